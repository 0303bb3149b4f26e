"""One peer in one block: the bare loop and closed-loop slices in turn, for both models, then the overload."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pyarrow as pa

from bench.load.generator import Generator, Load
from bench.load.plan import Plan
from bench.machine import counters
from bench.machine.sampler import memory_of
from bench.peers.asking import targets
from bench.peers.peer import Peer
from bench.peers.profile import Profile, Step
from bench.peers.rounds import CLIENTS, MODEL, NO_OP, median_rate
from bench.peers.running import RunningPeer
from bench.peers.sitting import CAPACITY_SLICES, Rig, Sitting
from bench.peers.slices import ClosedLoop
from bench.session.session import Session
from bench.session.trial import Where
from runfile.columns import REQUESTS, filled
from runfile.facts import PeerTrial
from runfile.folder import now

START_S, PROCESS_S, GENERATOR_S = 3.0, 0.7, 2.0  # of a peer, of clients or a bare loop, of Locust: roughly


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
        again = np.isin(table["step"].to_numpy(), spoiled_steps(trial)) | bool(trial.reason)
        counted = pa.array(table["counted"].to_numpy() & ~again)
        same = {"experiment": self.where.experiment, "trial": trial.trial, "block": trial.block}
        table = table.drop_columns(["counted"]).append_column("counted", counted)
        return filled(table, REQUESTS, **same, variant=trial.variant)


def spoiled_steps(trial: PeerTrial) -> list[int]:
    """Return the numbers of the slices and steps that were measured again."""
    slices = [s.step for of in trial.rounds.values() for each in of if each.reason for s in each.slices]
    return [*slices, *(each.step for each in trial.overloads if each.reason)]


Sit = Callable[[Rig, Where, Peer, str, list[pa.Table]], AbstractContextManager[Sitting]]


@contextmanager
def sit(rig: Rig, where: Where, peer: Peer, model: str, parts: list[pa.Table]) -> Iterator[Sitting]:
    """Start a peer with a model, and its clients. Raises StackFailed, also if it ends by itself meanwhile."""
    session, profile, logs = rig.session, rig.profile, rig.session.logs(where.name)
    clients = ClosedLoop(
        session.folder.work / "orders.json", log=logs / "clients.log", cores=session.generators,
        settle_s=profile.settle_s, patience_s=profile.patience_s,
    )  # fmt: skip
    with RunningPeer(peer, model=model, logs=logs, cores=session.sut) as running:
        asked = targets(peer, rig.photos[model], model)
        with clients.prepare(running.base_url, peer.name, asked):
            yield Sitting(rig, where, running, clients, partial(send, session, where), parts)
            running.check()


def send(session: Session, where: Where, plan: Plan) -> Load:
    """Send an open loop. Raises GeneratorFailed."""
    log = session.logs(where.name) / "generator.log"
    with Generator(session.folder.work / "load", log=log, cores=session.generators) as generator:
        return generator.start(plan).finish()


def measure(rig: Rig, where: Where, peer: Peer, sit: Sit = sit) -> Measured:
    """Measure one peer. Raises a TrialFailed."""
    session, started_at, parts = rig.session, now(), list[pa.Table]()
    number, before, counted = session.number(), session.canary_before(), counters.read(session.split.sut)
    session.folder.event("trial started", trial=number, block=where.block, variant=where.variant)
    with sit(rig, where, peer, NO_OP, parts) as this:
        found = {NO_OP: tuple(this.closed(NO_OP))}
    with sit(rig, where, peer, MODEL, parts) as this:
        found[MODEL] = tuple(this.closed(MODEL))
        memory, overloads = memory_of(this.running.pid), tuple(this.opened())
    usage = counters.read(session.split.sut).since(counted)
    canaries = [before.median, session.canary_after().median]
    trial = PeerTrial(
        number, where.block, where.variant, where.position, started_at=started_at, rounds=found,
        capacity_per_s=median_rate(found[MODEL]), memory_bytes=memory, overloads=overloads, usage=usage,
        canary_ms=sum(canaries) / len(canaries),
    )  # fmt: skip
    return Measured(where, trial, parts)


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
