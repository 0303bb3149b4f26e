"""One peer in one block: slices in turn with the bare loop, for both models, then the overload.

What clients, generator or machine spoiled is measured again.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pyarrow as pa

from bench.exits import StackFailed
from bench.load.generator import Generator, Load
from bench.load.plan import Plan
from bench.machine import counters
from bench.machine.sampler import memory_of
from bench.peers import overload, slices
from bench.peers.asking import JUDGE, Photo, targets
from bench.peers.bare import Vision
from bench.peers.overload import Shown
from bench.peers.peer import Peer
from bench.peers.profile import Profile, Step
from bench.peers.running import RunningPeer, up
from bench.peers.slices import CASES, CLIENTS, CROWD, MODEL, NO_OP, ClosedLoop, Orders
from bench.session.failures import again
from bench.session.session import Session
from bench.session.trial import Where
from runfile.columns import REQUESTS, filled
from runfile.facts import Overload, PeerTrial, Round, Slice
from runfile.folder import now

WARM_UPS = 5
CAPACITY, CAPACITY_SLICES = "capacity", 3  # what the overload is a multiple of: as long as so many slices, no rounds
START_S, PROCESS_S, GENERATOR_S = 3.0, 0.7, 2.0  # of a peer, of clients or a bare loop, of Locust: roughly


@dataclass(frozen=True)
class Rig:
    """What all measurements of a run share."""

    session: Session
    profile: Profile
    vision: Vision
    photos: dict[str, list[Photo]] = field(default_factory=dict)  # by model


@dataclass(frozen=True)
class Measured:
    """What a peer gave in a block, ready to be kept: its facts, and a table for each slice and step, in their order."""

    where: Where
    trial: PeerTrial
    parts: Sequence[pa.Table]

    def spoiled(self, reason: str) -> "Measured":
        """Return the same as what does not count."""
        return replace(self, trial=replace(self.trial, reason=reason))

    def requests(self) -> pa.Table:
        """Return the rows of requests.parquet; what was measured again does not count."""
        trial, table = self.trial, pa.concat_tables(self.parts)
        spoiled = [s.step for of in trial.rounds.values() for each in of if each.reason for s in each.slices]
        spoiled += [each.step for each in trial.overloads if each.reason]
        counted = table["counted"].to_numpy() & ~np.isin(table["step"].to_numpy(), spoiled) & (not trial.reason)
        table = table.drop_columns(["counted"]).append_column("counted", pa.array(counted))
        same = {"experiment": self.where.experiment, "trial": trial.trial, "block": trial.block}
        return filled(table, REQUESTS, **same, variant=trial.variant)


@dataclass(frozen=True)
class Sitting:
    """A peer that is up with one model, its clients, who sends an open loop, and the rows of the trial so far.

    The number of a slice or of a step of the overload is that of its part.
    """

    rig: Rig
    where: Where
    running: RunningPeer
    clients: ClosedLoop
    send: Callable[[Plan], Load]
    parts: list[pa.Table]

    def turn(self, case: str, clients: int, seconds: float) -> Slice:
        """Measure one slice. Raises StackFailed without a right answer: nothing else is held against the bare loop."""
        asked = self.clients.turn(clients, seconds)
        found = asked.facts(len(self.parts))
        self.parts.append(asked.table(case, found.step))
        if found.rate_per_s <= 0:
            self.running.process.must_run()
            raise StackFailed(f"{self.running.peer.title} gave no right answer: {found.failures or 'none at all'}")
        return found

    def warm_up(self) -> None:
        """Ask for some time; again as long as there is no right answer, as some are ready long before they answer."""
        for _ in range(WARM_UPS):
            if self.clients.turn(CROWD, self.rig.profile.warmup_s).rate_per_s > 0:
                return

    def again(self, what: str, reason: str) -> str:
        """Return the reason if what was spoiled is measured again."""
        return again(self.rig.session, self.where, reason, what)

    def closed(self, model: str) -> tuple[Round, ...]:
        """Let bare loop and server take turns, while the other one rests. Raises StackFailed where no answer is right.

        A turn of the bare loop ends one round and begins the next.
        """
        profile, found = self.rig.profile, list[Round]()
        self.warm_up()
        with self.rig.vision.bare_loop(model) as bare:
            before = bare.turn(profile.slice_s).mean_ms
            while sum(not each.reason for each in found) < profile.rounds:
                order = CLIENTS[model][:: -1 if len(found) % 2 else 1]  # nobody always comes first
                own = [self.turn(CASES[model, clients], clients, profile.slice_s) for clients in order]
                this = Round(before, tuple(own), bare.turn(profile.slice_s).mean_ms)
                reason = self.again(f"a round of {model}", slices.spoiled(self.rig.session.settings.limits, this))
                found.append(replace(this, reason=reason))
                before = this.after_ms
        return tuple(found)

    def opened(self) -> tuple[Overload, ...]:
        """Send every step of the overload, with the capacity measured anew before each: the machine changes."""
        found, capacity = list[Overload](), self.capacity()
        for number, step in enumerate(self.rig.profile.overload):
            while (this := self.step(number, step, capacity)).reason:
                found.append(this)
                self.warm_up()  # a server that accepts everything is still at work
                capacity = self.capacity()
            found.append(this)
            capacity = this.after_per_s or capacity
        return tuple(found)

    def capacity(self) -> float:
        """Measure how many right answers per second eight clients get."""
        return self.turn(CAPACITY, CROWD, CAPACITY_SLICES * self.rig.profile.slice_s).rate_per_s

    def step(self, number: int, step: Step, capacity: float) -> Overload:
        """Send one step, and measure the capacity after it but for the last. Raises StackFailed, GeneratorFailed."""
        settings, profile, peer = self.rig.session.settings, self.rig.profile, self.running.peer
        asked = targets(peer, self.rig.photos[MODEL], MODEL, deadline_ms=profile.slo_ms)
        seed = (settings.seed, self.where.block, number)
        drawn = overload.schedule(step, capacity, profile.warmup_s, len(asked), seed)
        load = self.send(
            Plan([self.running.base_url], drawn, asked, profile.patience_s, judge=JUDGE, judge_of=peer.name)
        )
        self.running.process.must_run()
        offered, part = step.load * capacity, len(self.parts)
        this = Overload(part, step.load, step.seconds, offered, capacity, connections=load.connections)
        table = overload.table(this, load.table)
        self.parts.append(table)
        if step is not profile.overload[-1]:
            this = replace(this, after_per_s=self.capacity())
        reason = Shown(this, profile.slo_ms, table.filter(table["counted"]).to_pandas()).unfit(settings.limits)
        return replace(this, reason=self.again(this.case, reason))


Sit = Callable[[Rig, Where, Peer, str, list[pa.Table]], AbstractContextManager[Sitting]]


@contextmanager
def sit(rig: Rig, where: Where, peer: Peer, model: str, parts: list[pa.Table]) -> Iterator[Sitting]:
    """Start a peer with a model, and its clients. Raises StackFailed, also if it ends by itself meanwhile."""
    session, profile, logs = rig.session, rig.profile, rig.session.logs(where.name)
    asked = targets(peer, rig.photos[model], model)
    with up(peer, model=model, logs=logs, cores=session.sut) as running:
        orders = Orders(running.base_url, peer.name, asked, profile.settle_s, profile.patience_s)
        with ClosedLoop(orders, session.folder.work, log=logs / "clients.log", cores=session.generators) as clients:
            yield Sitting(rig, where, running, clients, partial(send, session, where), parts)
            running.process.must_run()


def send(session: Session, where: Where, plan: Plan) -> Load:
    """Send an open loop. Raises GeneratorFailed."""
    log = session.logs(where.name) / "generator.log"
    with Generator(session.folder.work / "load", log=log, cores=session.generators) as generator:
        return generator.start(plan).finish()


def measure(rig: Rig, where: Where, peer: Peer, sit: Sit = sit) -> Measured:
    """Measure one peer. Raises a TrialFailed."""
    session, started_at, parts = rig.session, now(), list[pa.Table]()
    number, counted = session.number(), counters.read(session.split.sut)
    session.folder.event("trial started", trial=number, block=where.block, variant=where.variant)
    with sit(rig, where, peer, NO_OP, parts) as this:
        found = {NO_OP: this.closed(NO_OP)}
    with sit(rig, where, peer, MODEL, parts) as this:
        found[MODEL] = this.closed(MODEL)
        memory, overloads = memory_of(this.running.process.pid), this.opened()
    usage = counters.read(session.split.sut).since(counted)
    trial = PeerTrial(
        number, where.block, where.variant, where.position, started_at=started_at, rounds=found,
        capacity_per_s=slices.typical(found[MODEL], lambda each: each.rate_per_s(CROWD)), memory_bytes=memory,
        overloads=overloads, usage=usage, canary_ms=session.look(),
    )  # fmt: skip
    return Measured(where, trial, parts)


def planned_s(profile: Profile) -> float:
    """Return how long a peer should take in a block, for the remaining time only."""
    planned = len(CLIENTS) * (START_S + 2 * PROCESS_S + profile.warmup_s + profile.settle_s)
    turns = sum(len(clients) for clients in CLIENTS.values()) * profile.rounds
    planned += turns * (profile.settle_s + profile.slice_s) + len(CLIENTS) * (profile.rounds + 1) * profile.slice_s
    for step in profile.overload:  # who accepts everything has answered when it has, or when patience ends
        planned += profile.settle_s + CAPACITY_SLICES * profile.slice_s + GENERATOR_S + profile.warmup_s
        planned += step.seconds + min(profile.patience_s, max(0.0, step.load - 1) * step.seconds)
    return planned
