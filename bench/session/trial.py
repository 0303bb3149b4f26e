"""One trial, the unit of the measurement: fresh stacks, warm-up, window, drain, stop. Nothing of it survives."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from bench.load.generator import DEADLINE_S, Flight, Generator, Load
from bench.load.plan import Plan, Turn
from bench.load.schedule import WARM_UP, Schedule
from bench.machine import counters
from bench.machine.sampler import Sampler, memory_of
from bench.processes.patience import undisturbed
from bench.session.session import Session
from bench.stacks.running import RunningStack
from bench.stacks.stack import Role, Stack
from bench.statistics.quantities import MS, quantile
from runfile.columns import REQUESTS, filled
from runfile.facts import Step, Trial
from runfile.folder import now, utc

Rows = list[dict[str, object]]


@dataclass(frozen=True)
class Where:
    """Which trial this is: the experiment, numbers from 1, and whom it is about ("" where several take turns)."""

    experiment: str
    block: int
    variant: str
    position: int = 0

    @property
    def name(self) -> str:
        """What its logs are called."""
        return f"block-{self.block:02d}-{self.variant or 'turns'}"


@dataclass(frozen=True)
class Course:
    """What is sent, and whom each step asks: its variant, or whose stack it shares (`of`); some too late on purpose."""

    schedule: Schedule
    steps: Sequence[Step]
    delays_ms: Mapping[str, float] = field(default_factory=dict)
    of: Mapping[str, str] = field(default_factory=dict)

    def turns(self, hosts: Sequence[str]) -> list[Turn]:
        """Return whom each step asks; one that is nobody's has no requests."""
        asked = [self.of.get(step.variant, step.variant) for step in self.steps]
        late = [self.delays_ms.get(step.variant, 0.0) for step in self.steps]
        return [Turn(hosts.index(name) if name in hosts else 0, ms) for name, ms in zip(asked, late, strict=True)]


@dataclass
class Up:
    """Stacks that are up together, by the name of their arm; `tell` writes an event down on the clock of the load."""

    stacks: dict[str, RunningStack]
    generator: Generator | None = None  # that has started up beside them, for the first load
    tell: Callable[..., None] = lambda *_, **__: None

    def roots(self) -> dict[tuple[str, str], int]:
        """Return the pid of every process tree by variant and process, as it is now."""
        return {(arm, name): pid for arm, stack in self.stacks.items() for name, pid in stack.pids.items()}

    def check(self) -> None:
        """Raise StackFailed if a process has ended that was not expected to."""
        for stack in self.stacks.values():
            stack.check()

    @contextmanager
    def at_rest(self, role: Role | None = None) -> Iterator[None]:
        """Let them stand still, or only who has a role and does not answer users. A stack that ends need not wake."""
        for stack in self.stacks.values():
            stack.rest(role)
        yield
        for stack in self.stacks.values():
            stack.wake(role)


During = Callable[[Flight, Up], Sequence[Mapping[str, object]]]  # returns more rows of requests.parquet


@dataclass(frozen=True)
class Measured:
    """What a trial gave, ready to be kept: its facts and its rows."""

    where: Where
    course: Course
    trial: Trial
    load: Load
    more: Sequence[Mapping[str, object]]
    processes: Rows

    def spoiled(self, reason: str) -> "Measured":
        """Return the same as one that does not count."""
        return replace(self, trial=replace(self.trial, reason=reason))

    def without(self, rounds: Mapping[int, str]) -> "Measured":
        """Return the same with rounds that do not count, and why not."""
        steps = tuple(replace(step, reason=step.reason or rounds.get(step.round, "")) for step in self.trial.steps)
        return replace(self, trial=replace(self.trial, steps=steps))

    def requests(self) -> pa.Table:
        """Return the rows of requests.parquet: every scheduled request, whatever became of it.

        Those of the warm-up are there, too, before the window and so with negative times; nothing is computed from
        them. The first step's rate stands for theirs.
        """
        trial, table = self.trial, self.load.table
        step = table["step"].to_numpy()
        of = [trial.steps[max(0, number)] for number in step]
        counted = [not (trial.reason or each.reason) for each in of]
        columns = {
            "variant": [each.variant for each in of],
            "offered_per_s": [each.rate_per_s for each in of],
            "counted": np.array(counted, dtype=bool) & (step != WARM_UP),
        }
        for name, values in columns.items():
            table = table.append_column(name, pa.array(values))
        same = {"experiment": self.where.experiment, "trial": trial.trial, "block": trial.block}
        parts = [filled(table, REQUESTS, **same)]
        if self.more:
            reasons = {each.step: trial.reason or each.reason for each in trial.steps}
            rows = [{**row, "counted": not reasons.get(int(str(row["step"])), trial.reason)} for row in self.more]
            parts.append(filled(pa.Table.from_pylist(rows), REQUESTS, **same))
        return pa.concat_tables(parts)


@contextmanager
def up(session: Session, where: Where, stacks: Mapping[str, Stack]) -> Iterator[Up]:
    """Start stacks beside each other, each in a fresh place; after it none is left. Raises StackFailed."""
    shutil.rmtree(session.folder.work / where.name, ignore_errors=True)
    running = {arm: RunningStack(stack, session.place(where.name, arm, stack)) for arm, stack in stacks.items()}
    with generator_of(session, where) as generator:  # starts up on its cores while the stacks do on theirs
        try:
            for stack in running.values():
                stack.__enter__()
            yield Up(running, generator)
        finally:
            with undisturbed(), ThreadPoolExecutor(len(running)) as pool:  # most of a stop is waiting for others to end
                list(pool.map(RunningStack.stop, running.values()))


def generator_of(session: Session, where: Where) -> Generator:
    """Return a generator for one load."""
    log = session.logs(where.name) / f"generator-{session.trials + 1:02d}.log"
    return Generator(session.folder.work / "load", log=log, cores=session.generators)


def fly(session: Session, where: Where, these: Up, course: Course, during: During | None = None) -> Measured:
    """Send a course to stacks that are up. `during` acts while it flies, on the load's clock. Raises a TrialFailed."""
    started_at = now()
    hosts = [stack.base_url for stack in these.stacks.values()]
    plan = Plan(hosts, course.schedule, session.targets, DEADLINE_S, turns=course.turns(list(these.stacks)))
    made, these.generator, number = these.generator or generator_of(session, where), None, session.number()
    session.folder.event("trial started", trial=number, block=where.block, variant=where.variant)
    with (
        made as generator,
        Sampler(lambda: {**these.roots(), ("", "generator"): generator.pid}) as sampler,
    ):
        flight, counted = generator.start(plan), counters.read(session.split.sut)
        these.tell = partial(tell, session, number, flight)
        more = during(flight, these) if during else ()
        load = flight.finish()
        usage = counters.read(session.split.sut).since(counted)
        these.check()
        memory = {f"{arm}/{name}": memory_of(pid) for (arm, name), pid in these.roots().items()}
    with these.at_rest():  # what is due between loads would make the machine look slow
        canary_ms = session.look()
    last, lags = course.steps[-1], np.array(load.loop_lag_ns) / MS
    late_ms = quantile(lags, 0.99) if len(lags) else None
    trial = Trial(
        trial=number, block=where.block, variant=where.variant, position=where.position, started_at=started_at,
        zero_ns=flight.zero_ns, zero_at=utc(flight.zero_at), window_s=last.start_s + last.seconds,
        steps=tuple(scheduled(course)), **counts(load), connections=load.connections,
        requests_sent=load.requests_sent, collections=load.collections, loop_lag_p99_ms=late_ms,
        usage=usage, canary_ms=canary_ms, memory_bytes=memory,
    )  # fmt: skip
    return Measured(where, course, trial, load, more, process_rows(where, number, sampler.rows, flight.zero_ns))


def tell(session: Session, trial: int, flight: Flight, event: str, **facts: object) -> None:
    """Write down what happened just now, such as a fault, with the trial and the time on the load's clock."""
    session.folder.event(event, trial=trial, t_ns=flight.now_ns, **facts)


def measure(
    session: Session, where: Where, stacks: Mapping[str, Stack], course: Course, during: During | None = None
) -> Measured:
    """Run one trial on fresh stacks. Raises a TrialFailed."""
    with up(session, where, stacks) as these:
        return fly(session, where, these, course, during)


def scheduled(course: Course) -> Iterator[Step]:
    """Return the steps with how many requests each has."""
    number = Counter(course.schedule.step.tolist())
    return (replace(step, scheduled=number[step.step]) for step in course.steps)


def counts(load: Load) -> dict[str, Any]:
    """Return what became of the window's requests: scheduled = completed + dropped, failed is part of completed."""
    rows = zip(load.table["step"].to_pylist(), load.outcome.tolist(), strict=True)
    outcomes = Counter(outcome for step, outcome in rows if step != WARM_UP)
    planned, lost = sum(outcomes.values()), outcomes["dropped"] + outcomes["unsent"] + outcomes["lost"]
    known = {"scheduled": planned, "completed": planned - lost, "dropped": outcomes["dropped"]}
    return {**known, "failed": known["completed"] - outcomes["ok"]}


def process_rows(where: Where, trial: int, samples: Rows, zero_ns: int) -> Rows:
    """Return the rows of processes.parquet, on the same clock as the requests: zero is the window's start."""
    same = {"experiment": where.experiment, "trial": trial}
    return [{**same, **row, "t_ns": int(str(row["t_ns"])) - zero_ns} for row in samples]


def keep(session: Session, measured: Measured) -> None:
    """Write a trial down, also one that does not count."""
    trial, name = measured.trial, measured.where.experiment
    session.folder.add_trial(measured.requests(), measured.processes)
    session.folder.save_found(name, trials=(*session.folder.run.found[name].trials, trial))
    event = "trial finished" if trial.counted else "trial does not count"
    numbers = {key: getattr(trial, key) for key in ("scheduled", "completed", "failed", "dropped")}
    session.folder.event(event, trial=trial.trial, variant=trial.variant, **numbers, reason=trial.reason)
