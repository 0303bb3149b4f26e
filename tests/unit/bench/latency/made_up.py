"""Runs that are made up: turns and staircases of known times, recorded by the code that records real ones."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np
import pyarrow as pa

from bench.latency import ladder
from bench.latency import profile as profiles
from bench.latency.arms import AGAIN, CONTROL, Arm
from bench.latency.conclude import conclude
from bench.load import outputs
from bench.load.generator import Load
from bench.load.plan import Plan
from bench.load.samples import Samples
from bench.load.schedule import Schedule
from bench.session import trial as trials
from bench.session.experiment import Conclusion, Raw
from bench.session.trial import Course, Measured, Where
from runfile.columns import PROCESSES, REQUESTS, schema_of
from runfile.facts import Arm as ArmFact
from runfile.facts import Experiments, Gate, Latency, Machine, Run, Trial, Usage, Variant
from runfile.rows import ResultRow
from tests.unit.bench.toys import LIMITS, MS, TARGETS, TINY

OURS = profiles.load(str(TINY))
PROFILE = replace(OURS, bystanders={}, turns=replace(OURS.turns, seconds=1.0))
SMALLEST = 100.0  # predictions per second; a fifth of it for a second are 20 requests
LOW = 20.0
ONE, TWO = Arm("one", None), Arm("two", None)
COPY = Arm("one again", None, "one", AGAIN)
LATE = Arm("one + 30 ms", None, "one", CONTROL, 30.0)
MACHINE = Machine(sut_cores=(0,), generator_cores=(1,), pinned=True)
SECOND_NS = 1e9
HALF = {0.5: 2.0}  # of the capacity, for two seconds

Took = Callable[[int, int, str], float]  # milliseconds by block, round and arm
Serve = Callable[[Schedule, np.ndarray], np.ndarray]  # ns at which what was sent at these ns is done


def ten(_block: int, _round: int, _arm: str) -> float:
    return 10.0


def turns(
    block: int = 1, took: Took = ten, arms: Sequence[Arm] = (ONE, TWO), *, rounds: Sequence[int] = (4,), **how: object
) -> Measured:
    """The turns of a block in which every answer of an arm in a round takes equally long."""
    profile = how.pop("profile", PROFILE)
    steps = ladder.turns(arms, profile, SMALLEST, rounds, warm_up=True)

    def serve(schedule: Schedule, sent_ns: np.ndarray) -> np.ndarray:
        by_step = np.array([took(block, step.round, step.variant) * MS for step in steps])
        return sent_ns + by_step[schedule.step].astype(np.int64)

    delays = {arm.name: arm.delay_ms for arm in arms}
    course = ladder.course(steps, profile, len(TARGETS), warmup_s=0.0, seed=(1, block), delays_ms=delays)
    return measured(Where("latency", block, ""), course, serve, **how)


def climb(
    block: int = 1, arm: str = "one", service_ms: float = 10.0, *, loads: Mapping[float, float] = HALF, **how: object
) -> Measured:  # fmt: skip
    """A staircase, seconds by load, before a server that answers one after the other."""
    profile = replace(PROFILE, steps=tuple(profiles.Step(*each) for each in loads.items()))
    steps = ladder.staircase(arm, profile, 1000 / service_ms, 2000.0)
    course = ladder.course(steps, profile, len(TARGETS), warmup_s=0.5, seed=(1, block, 0))

    def serve(_: Schedule, sent_ns: np.ndarray) -> np.ndarray:
        took = round(service_ms * MS)
        return np.fromiter(accumulate(sent_ns, lambda free, at: max(free, at) + took, initial=-(2**60)), np.int64)[1:]

    busy = how.pop("busy_ms", service_ms)
    return measured(Where("latency", block, arm), course, serve, busy_ms=busy, **how)


def measured(
    where: Where, course: Course, serve: Serve, *, lag_ms: float | np.ndarray = 0.1, busy_ms: float = 0.0,
    **load: object,
) -> Measured:  # fmt: skip
    """What a trial records where a request is sent so late, and done when it is served."""
    schedule, steps = course.schedule, course.steps
    delays = np.array([course.delays_ms.get(step.variant, 0.0) for step in steps])[np.maximum(0, schedule.step)]
    samples = Samples.empty(len(schedule), "ok")
    sent_ns, done_ns = samples.numbers["sent_ns"], samples.numbers["done_ns"]
    sent_ns[:] = schedule.offset_ns + np.rint((delays + lag_ms) * MS).astype(np.int64)
    done_ns[:] = serve(schedule, sent_ns)
    table = outputs.table_of(Plan([""], schedule, TARGETS, 10.0), samples)
    end_s = steps[-1].start_s + steps[-1].seconds
    used = processes(done_ns / SECOND_NS, busy_ms / 1000, end_s + steps[-1].pause_s)
    busy_s = sum(row["cpu_percent"] for row in used if row["process"] != "generator") / 100
    usage = Usage(0.0, 0.0, 0.0, busy_s, len(used) / 2 - 1)
    sent = Load(table, 0, 1, connections=1, requests_sent=len(schedule), loop_lag_ns=[round(MS / 10)] * 20)
    names = {step.variant: None for step in steps}
    trial = Trial(
        1, where.block, where.variant, window_s=end_s, steps=tuple(trials.scheduled(course)), connections=1,
        requests_sent=len(schedule), loop_lag_p99_ms=0.1, usage=usage, canary_ms=5.0,
        memory_bytes={f"{name}/web": 1_000_000 for name in names}, **trials.counts(sent),
    )  # fmt: skip
    made = Measured(where, course, trial, replace(sent, **load), [], used)
    return replace(made, trial=replace(trial, **trials.counts(made.load)))


def processes(done_s: np.ndarray, busy_s: float, end_s: float) -> list[dict[str, object]]:
    """Samples of once a second: the stack is busy while it serves, the generator hardly ever."""
    times = np.arange(-1.0, end_s + 1.0)
    busy = np.array([np.clip(at - (done_s - busy_s), 0, busy_s).sum() for at in times])
    web = 100 * np.diff(busy, prepend=busy[:1])
    return [
        {"t_ns": round(at * SECOND_NS), "process": process, "cpu_percent": float(cpu)}
        for at, own in zip(times, web, strict=True)
        for process, cpu in (("web", own), ("generator", 10.0))
    ]


def changed(made: Measured, rows: slice | np.ndarray, **columns: object) -> Measured:
    """The same trial, but some of its rows were recorded otherwise."""
    table = made.load.table
    for name, value in columns.items():
        values = np.array(table[name].to_pylist(), dtype=object)
        values[rows] = value
        table = table.set_column(table.column_names.index(name), name, pa.array(values, table[name].type))
    load = replace(made.load, table=table)
    return replace(made, load=load, trial=replace(made.trial, **trials.counts(load)))


def facts(made: Measured, **more: object) -> Measured:
    """The same trial, but with other facts."""
    return replace(made, trial=replace(made.trial, **more))


def raw(
    *measured: Measured, arms: Sequence[Arm] = (), variants: Sequence[str] = ("one", "two"), **found: object
) -> Raw:
    """A run of these trials, as it is read from its folder."""
    numbered = [facts(each, trial=number) for number, each in enumerate(measured, start=1)]
    used = [{"experiment": "latency", "trial": each.trial.trial, **row} for each in numbered for row in each.processes]
    requests = pa.concat_tables([schema_of(REQUESTS).empty_table(), *(each.requests() for each in numbered)])
    own = Latency(
        verdicts=True, slo_ms=250.0, trials=tuple(each.trial for each in numbered),
        arms=tuple(ArmFact(arm.name, arm.of, arm.kind, arm.delay_ms) for arm in arms),
    )  # fmt: skip
    run = Run(
        state="complete", machine=MACHINE, variants=tuple(map(Variant, variants)),
        experiments=Experiments(latency=replace(own, **found)),
    )  # fmt: skip
    table = pa.Table.from_pylist(used, schema=schema_of(PROCESSES))
    return Raw(run, requests.to_pandas(), table.to_pandas(), LIMITS)


def gates(made: Raw, *verdicts: str) -> dict[tuple[str, str], float | None]:
    """The values of the gates with one of these verdicts, by gate and whom it is about."""
    return {(gate.gate, gate.variant): gate.value for gate in conclude(made).facts["gates"] if gate.verdict in verdicts}


def gate(made: Raw, name: str, variant: str = "one") -> Gate:
    """The only gate of that name about that arm."""
    (one,) = [each for each in conclude(made).facts["gates"] if (each.gate, each.variant) == (name, variant)]
    return one


def numbers(concluded: Conclusion, metric: str, case: str = "prediction") -> dict[tuple[str, float | None], ResultRow]:
    """The rows of one metric by variant and rate."""
    rows = [row for row in concluded.rows if (row.metric, row.case) == (metric, case)]
    return {(row.variant, row.offered_per_s): row for row in rows}
