"""One peer in one block: the bare loop and closed-loop slices in turn, for both models, then the overload."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.exits import StackFailed
from bench.latency.profile import Step
from bench.load.generator import Generator
from bench.load.plan import Plan
from bench.machine import counters
from bench.machine.cores import Split
from bench.machine.counters import Machine
from bench.machine.sampler import memory_of
from bench.peers import overload
from bench.peers.bare import Vision
from bench.peers.overload import Overload
from bench.peers.peer import Peer
from bench.peers.profile import Profile
from bench.peers.rounds import CLIENTS, CROWD, MODEL, NO_OP, Round, median_rate
from bench.peers.running import RunningPeer
from bench.peers.slices import ClosedLoop, Photo, Slice, targets
from bench.session.runfolder import now

WARM_UPS = 5
CAPACITY_SLICES = 3  # as long as so many slices: what the overload is a multiple of is measured once, not in rounds
START_S, PROCESS_S, GENERATOR_S = 3.0, 0.7, 2.0  # of a peer, of clients or a bare loop, of Locust: roughly


@dataclass(frozen=True)
class Place:
    """Which peer is measured when, numbers from 1, and where its logs go."""

    trial: int
    block: int
    position: int
    peer: Peer
    logs: Path


@dataclass(frozen=True)
class Rig:
    """What all measurements of a run share."""

    profile: Profile
    seed: int
    work: Path
    cores: Split
    vision: Vision
    photos: Mapping[str, Sequence[Photo]]  # by model

    @property
    def sut(self) -> tuple[int, ...]:
        """The cores of the system under test; none where processes cannot be pinned."""
        return self.cores.sut if self.cores.pinned else ()

    @property
    def generators(self) -> tuple[int, ...]:
        """The cores of the clients; none where processes cannot be pinned."""
        return self.cores.generator if self.cores.pinned else ()


@dataclass(frozen=True)
class Measured:
    """What one peer showed in one block."""

    place: Place
    rounds: Mapping[str, Sequence[Round]]  # by model
    memory_bytes: int
    overloads: Sequence[Overload]
    machine: Machine
    started_at: str

    @property
    def capacity(self) -> float:
        """Right answers per second with eight clients, the median over rounds."""
        return median_rate(self.rounds[MODEL])

    def record(self) -> dict[str, object]:
        """Return the entry in run.json."""
        place = self.place
        return {
            "trial": place.trial, "block": place.block, "position": place.position, "variant": place.peer.name,
            "rounds": {model: [each.record() for each in rounds] for model, rounds in self.rounds.items()},
            "capacity_per_s": self.capacity, "memory_bytes": self.memory_bytes,
            "steps": [{"step": number, **each.record()} for number, each in enumerate(self.overloads)],
            "machine": asdict(self.machine), "started_at": self.started_at,
        }  # fmt: skip


def measure(rig: Rig, place: Place) -> Measured:
    """Measure one peer. Raises StackFailed or GeneratorFailed."""
    started_at, before = now(), counters.read(rig.cores.sut)
    rounds: dict[str, list[Round]] = {}
    with (
        RunningPeer(place.peer, model=NO_OP, logs=place.logs, cores=rig.sut) as running,
        clients_of(rig, place, running, NO_OP) as loop,
    ):
        rounds[NO_OP] = closed(rig, running, loop, NO_OP)
        running.check()
    with (
        RunningPeer(place.peer, model=MODEL, logs=place.logs, cores=rig.sut) as running,
        clients_of(rig, place, running, MODEL) as loop,
    ):
        rounds[MODEL] = closed(rig, running, loop, MODEL)
        memory = memory_of(running.pid)
        overloads = opened(rig, place, running, loop)
        running.check()
    machine = counters.read(rig.cores.sut).since(before)
    return Measured(place, rounds, memory, overloads, machine, started_at)


def clients_of(rig: Rig, place: Place, running: RunningPeer, model: str) -> ClosedLoop:
    """Return the clients of a running peer, to be started by `with`."""
    profile, orders, log = rig.profile, rig.work / "orders.json", place.logs / "clients.log"
    loop = ClosedLoop(orders, log=log, cores=rig.generators, settle_s=profile.settle_s, patience_s=profile.patience_s)
    return loop.prepare(running.base_url, place.peer.name, targets(place.peer, rig.photos[model], model))


def closed(rig: Rig, running: RunningPeer, loop: ClosedLoop, model: str) -> list[Round]:
    """Let bare loop and server take turns, while the other one rests. Raises StackFailed where no answer is right.

    A turn of the bare loop ends one round and begins the next.
    """
    profile, rounds = rig.profile, list[Round]()
    warm_up(loop, profile.warmup_s)
    with rig.vision.bare_loop(model) as bare:
        before = bare.turn(profile.slice_s)
        for number in range(profile.rounds):
            order = CLIENTS[model][:: -1 if number % 2 else 1]  # nobody always comes first
            slices = [answered(running, loop.turn(clients, profile.slice_s)) for clients in order]
            after = bare.turn(profile.slice_s)
            rounds.append(Round(before, slices, after))
            before = after
    return rounds


def warm_up(loop: ClosedLoop, seconds: float) -> None:
    """Ask for some time; again as long as there is no right answer, since some are ready long before they answer."""
    for _ in range(WARM_UPS):
        if loop.turn(CROWD, seconds).rate_per_s > 0:
            return


def answered(running: RunningPeer, found: Slice) -> Slice:
    """Return the slice if it has a right answer: nothing else can be held against the bare loop."""
    if found.rate_per_s <= 0:
        running.check()
        raise StackFailed(f"{running.peer.title} gave no right answer: {dict(found.failures) or 'none at all'}")
    return found


def opened(rig: Rig, place: Place, running: RunningPeer, loop: ClosedLoop) -> list[Overload]:
    """Send every step of the overload, with the capacity measured anew before each: the machine changes."""
    profile, steps = rig.profile, list[Overload]()
    asked = targets(place.peer, rig.photos[MODEL], MODEL, deadline_ms=profile.slo_ms)
    for step in profile.overload:
        found = answered(running, loop.turn(CROWD, CAPACITY_SLICES * profile.slice_s))
        if steps:
            steps[-1] = replace(steps[-1], after_per_s=found.rate_per_s)
        seed = (rig.seed, place.block, len(steps))
        drawn = overload.schedule(step, found.rate_per_s, profile.warmup_s, len(asked), seed)
        plan = Plan(running.base_url, drawn, asked, profile.patience_s, peer=place.peer.name)
        with Generator(rig.work / "load", log=place.logs / "generator.log", cores=rig.generators) as generator:
            steps.append(Overload(step, found.rate_per_s, generator.send(plan)))
        running.check()
    return steps


def planned_s(profile: Profile) -> float:
    """Return how long a peer should take in a block, for the remaining time only."""
    starts_s = len(CLIENTS) * (START_S + 2 * PROCESS_S + profile.warmup_s + profile.settle_s)
    slices = sum(len(clients) for clients in CLIENTS.values()) * profile.rounds
    rounds_s = slices * (profile.settle_s + profile.slice_s) + len(CLIENTS) * (profile.rounds + 1) * profile.slice_s
    capacity_s = profile.settle_s + CAPACITY_SLICES * profile.slice_s
    steps_s = sum(capacity_s + GENERATOR_S + profile.warmup_s + drained_s(step, profile) for step in profile.overload)
    return starts_s + rounds_s + steps_s


def drained_s(step: Step, profile: Profile) -> float:
    """Return how long a step takes until a server that accepts everything has answered, or patience ends."""
    return step.seconds + min(profile.patience_s, max(0.0, step.load - 1) * step.seconds)
