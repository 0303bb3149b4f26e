"""One peer in one block: the bare loop and closed-loop slices in turn, for both models, then the overload."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.exits import StackFailed
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
from bench.peers.rounds import CLIENTS, CROWD, MODEL, NO_OP, Round, mean_rate
from bench.peers.running import RunningPeer
from bench.peers.slices import ClosedLoop, Photo, Slice, targets
from bench.profiles import Step
from bench.runfolder import now

RESTLESS, MOST = 1.25, 2  # a round with more unrest is measured again, but never more than so many times the rounds
WARM_UPS = 5
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
    rounds: Mapping[str, Sequence[Round]]  # by model, those that count
    restless: Mapping[str, Sequence[Round]]  # those that do not, since the machine changed meanwhile
    memory_bytes: int
    overloads: Sequence[Overload]
    machine: Machine
    started_at: str

    @property
    def capacity(self) -> float:
        """Right answers per second with eight clients."""
        return mean_rate(self.rounds[MODEL])

    def record(self) -> dict[str, object]:
        """Return the entry in run.json."""
        place = self.place
        return {
            "trial": place.trial, "block": place.block, "position": place.position, "variant": place.peer.name,
            **{
                key: {model: [each.record() for each in rounds] for model, rounds in found.items()}
                for key, found in (("rounds", self.rounds), ("restless", self.restless))
            },
            "capacity_per_s": self.capacity, "memory_bytes": self.memory_bytes,
            "steps": [{"step": number, **each.record()} for number, each in enumerate(self.overloads)],
            "machine": asdict(self.machine), "started_at": self.started_at,
        }  # fmt: skip


def measure(rig: Rig, place: Place) -> Measured:
    """Measure one peer. Raises StackFailed or GeneratorFailed."""
    started_at, before = now(), counters.read(rig.cores.sut)
    rounds: dict[str, list[Round]] = {}
    with RunningPeer(place.peer, model=NO_OP, logs=place.logs, cores=rig.sut) as running:
        rounds[NO_OP] = closed(rig, place, running, NO_OP)
        running.check()
    with RunningPeer(place.peer, model=MODEL, logs=place.logs, cores=rig.sut) as running:
        rounds[MODEL] = closed(rig, place, running, MODEL)
        memory = memory_of(running.pid)
        overloads = opened(rig, place, running)
        running.check()
    machine = counters.read(rig.cores.sut).since(before)
    counted = {model: own[: rig.profile.rounds] for model, own in rounds.items()}
    restless = {model: own[rig.profile.rounds :] for model, own in rounds.items()}
    return Measured(place, counted, restless, memory, overloads, machine, started_at)


def closed(rig: Rig, place: Place, running: RunningPeer, model: str) -> list[Round]:
    """Let bare loop and server take turns, while the other one rests; return the rounds, the calmest first.

    More than asked for, if the machine is restless. Raises StackFailed where no answer is right.
    """
    profile, loop = rig.profile, loop_of(rig, place)
    loop.prepare(running.base_url, place.peer.name, targets(place.peer, rig.photos[model], model))
    warm_up(loop, profile.warmup_s)
    rounds, before = list[Round](), rig.vision.loop_ms(model, profile.slice_s)
    while sum(each.unrest <= RESTLESS for each in rounds) < profile.rounds and len(rounds) < MOST * profile.rounds:
        order = CLIENTS[model][:: -1 if len(rounds) % 2 else 1]  # nobody always comes first
        slices = answered(running, loop.run(*((clients, profile.slice_s) for clients in order)))
        after = rig.vision.loop_ms(model, profile.slice_s)
        rounds.append(Round(before, slices, after))
        before = after
    return sorted(rounds, key=lambda each: each.unrest)


def warm_up(loop: ClosedLoop, seconds: float) -> None:
    """Ask for some time; again as long as there is no right answer, since some are ready long before they answer."""
    for _ in range(WARM_UPS):
        if loop.run((CROWD, seconds))[0].rate_per_s > 0:
            return


def loop_of(rig: Rig, place: Place) -> ClosedLoop:
    """Return what runs the slices of a peer."""
    profile, log = rig.profile, place.logs / "clients.log"
    return ClosedLoop(rig.work / "orders.json", log, rig.generators, profile.settle_s, profile.patience_s)


def answered(running: RunningPeer, slices: list[Slice]) -> list[Slice]:
    """Return the slices if each has a right answer: nothing else can be held against the bare loop."""
    for each in slices:
        if each.rate_per_s <= 0:
            running.check()
            raise StackFailed(f"{running.peer.title} gave no right answer: {dict(each.failures) or 'none at all'}")
    return slices


def opened(rig: Rig, place: Place, running: RunningPeer) -> list[Overload]:
    """Send every step of the overload, with the capacity measured anew before each: the machine changes."""
    profile, loop, steps = rig.profile, loop_of(rig, place), list[Overload]()
    asked = targets(place.peer, rig.photos[MODEL], MODEL, deadline_ms=profile.slo_ms)
    for step in profile.overload:
        (found,) = answered(running, loop.run((CROWD, profile.slice_s)))
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
    turn_s = profile.slice_s + profile.settle_s + PROCESS_S
    turns = sum(len(clients) + 1 for clients in CLIENTS.values()) * profile.rounds + len(CLIENTS)
    steps_s = sum(turn_s + GENERATOR_S + profile.warmup_s + drained_s(step, profile) for step in profile.overload)
    return 2 * (START_S + profile.warmup_s + PROCESS_S) + turns * turn_s + steps_s


def drained_s(step: Step, profile: Profile) -> float:
    """Return how long a step takes until a server that accepts everything has answered, or patience ends."""
    return step.seconds + min(profile.patience_s, max(0.0, step.load - 1) * step.seconds)
