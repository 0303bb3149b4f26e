"""The gates of a run: hands what was measured to `analysis.gates`, arm by arm and then as a whole."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.analysis import gates
from bench.analysis.comparison import CASE, METRICS, Floors
from bench.analysis.noise import canary_deviation, order_effect
from bench.analysis.quantities import Quantities
from bench.analysis.stats import Estimate, paired_difference
from bench.analysis.steps import TrialFacts
from bench.analysis.thresholds import Gate, Thresholds
from bench.load.samples import NEVER
from bench.machine.cores import Split
from bench.trial import Arm, Measured

PRIMARY = METRICS[0]
MS = 1e6


@dataclass(frozen=True)
class Null:
    """What the generator did against a server that does nothing, at some requests per second. Milliseconds."""

    rate_per_s: float
    lag_p99_ms: float
    service_p99_ms: float


@dataclass(frozen=True)
class Session:
    """All that the gates look at."""

    limits: Thresholds
    cores: Split
    null: Null | None
    arms: Sequence[Arm]
    measured: Sequence[Measured]  # those that count
    requests: pd.DataFrame
    found: Quantities
    facts: Sequence[TrialFacts]
    floors: Floors


def judge(session: Session) -> list[Gate]:
    """Return all gates."""
    limits, cores = session.limits, session.cores
    table = [gates.own_cores(limits, shared=len(set(cores.sut) & set(cores.generator)), pinned=cores.pinned)]
    if session.null:
        null = session.null
        table += gates.calibration(limits, null.rate_per_s, null.lag_p99_ms, null.service_p99_ms)
    for arm in session.arms:
        own = [each for each in session.measured if each.trial.arm.name == arm.name]
        if own:
            table += of_arm(session, arm, own)
    return table + of_session(session)


def of_arm(session: Session, arm: Arm, own: Sequence[Measured]) -> list[Gate]:
    """Return the gates of one arm over all of its trials."""
    limits, name, found = session.limits, arm.name, session.found
    requests = session.requests[session.requests["variant"] == name]
    sent = int(requests["sent_ns"].notna().sum())
    outcomes = requests["outcome"].value_counts()
    lag_ms = (requests["sent_ns"] - requests["intended_ns"]).dropna().to_numpy(dtype=np.float64) / MS - arm.delay_ms
    scheduled = sum(int(each.schedule.measured.sum()) for each in own)
    recorded = sum(int(np.count_nonzero(each.load.times("sent_ns") != NEVER)) for each in own)
    return [
        gates.lag(limits, name, lag_ms, shortest_service(found, name)),
        gates.complete(
            limits, name, scheduled=scheduled, sent=sent, dropped=int(outcomes.get("dropped", 0))
        ),
        gates.generator_cpu(limits, name, {"generator": cpu_percent(own)}),
        gates.loop_lag(limits, name, np.concatenate([each.load.loop_lag_ns for each in own]) / MS, gc_off=True),
        *gates.environment(limits, name, **environment(session, own)),
        grown(session, name),
        gates.books(limits, name, worst(fact.little_error for fact in session.facts if fact.variant == name)),
        gates.single_attempts(
            limits, name, recorded=recorded,
            on_wire=sum(each.load.requests_sent for each in own),
            connections=sum(each.load.connections for each in own),
        ),
        gates.same_answers(limits, name, wrong=int(outcomes.get("wrong", 0)), compared=sent),
    ]  # fmt: skip


def of_session(session: Session) -> list[Gate]:
    """Return the gates of the session as a whole: A/A, order, control. Not judged where the arm is not part of it."""
    limits, table = session.limits, []
    for arm in session.arms:
        if arm.kind == "A/A":
            low = session.found.low(arm.name)
            own = {metric: floor for (metric, rate), floor in session.floors.items() if rate == low}
            table += gates.equal(limits, arm.name, own)
        elif arm.kind == "control":
            table.append(gates.control(limits, arm.name, difference(session.found, arm), arm.delay_ms))
    return [*table, gates.order(limits, order_of(session))]


def difference(found: Quantities, arm: Arm) -> Estimate:
    """Return by how many ms an arm is slower than the variant that it is a copy of, at low load, paired by block."""
    left, right = found.by_block(arm.name, CASE, PRIMARY), found.by_block(arm.of, CASE, PRIMARY)
    blocks = sorted(left.keys() & right.keys())
    return paired_difference([left[block] for block in blocks], [right[block] for block in blocks])


def order_of(session: Session) -> Estimate | None:
    """Return the effect of the place within a block on the response at low load; None where blocks are incomplete."""
    names = [arm.name for arm in session.arms]
    places = {(m.trial.block, m.trial.arm.name): m.trial.position for m in session.measured}
    values = {name: session.found.by_block(name, CASE, PRIMARY) for name in names}
    blocks = sorted(
        {block for block, _ in places if all((block, name) in places and block in values[name] for name in names)}
    )
    if not blocks:
        return None
    times = [[values[name][block] for name in names] for block in blocks]
    return order_effect(times, [[places[block, name] for name in names] for block in blocks])


def grown(session: Session, variant: str) -> Gate:
    """Return G7 for the step that grew most, which above capacity is what it should do."""
    steps = [step for fact in session.facts if fact.variant == variant for step in fact.steps]
    known = [(step.rate, step.steadiness[CASE]) for step in steps if CASE in step.steadiness]
    most = max(known, key=lambda each: (each[1].label == "saturated", each[1].index), default=None)
    if most is None:
        return gates.steady(session.limits, variant, None)
    return gates.steady(session.limits, variant, most[1], f"at {most[0]:.3g} predictions per second")


def shortest_service(found: Quantities, variant: str) -> float | None:
    """Return the median service time of the quickest case at low load."""
    low = found.low(variant)
    medians = [
        float(np.median(np.concatenate(list(blocks.values()))))
        for (name, _, rate, quantity), blocks in found.samples.items()
        if (name, rate, quantity) == (variant, low, "service")
    ]
    return min(medians, default=None)


def cpu_percent(own: Iterable[Measured]) -> list[float]:
    """Return the generator's CPU by second, within the windows."""
    return [
        float(str(row["cpu_percent"]))
        for each in own
        for row in each.processes
        if row["process"] == "generator" and 0 <= int(str(row["t_ns"])) / 1e9 <= each.window_s
    ]


def environment(session: Session, own: Sequence[Measured]) -> dict[str, float | None]:
    """Return what the machine did during the trials of an arm: shares on average, the canary at its worst."""
    machines = [each.machine for each in own]
    canaries = [each.canary_ms for each in session.measured if each.canary_ms is not None]
    return {
        "steal_share": mean(machine.steal_share for machine in machines),
        "throttled_s": worst(machine.throttled_s for machine in machines),
        "foreign_share": mean(foreign_share(each, session.cores) for each in own),
        "canary_deviation": worst(canary_deviation(each.canary_ms, canaries) for each in own if each.canary_ms),
    }


def foreign_share(measured: Measured, cores: Split) -> float | None:
    """Return the share of the system's cores that others used: busy time that the stack's processes do not account for.

    None where the cores are not the system's alone. Samples of once a second, so short trials are judged roughly.
    """
    if not cores.pinned or not measured.machine.wall_s:
        return None
    rows = [row for row in measured.processes if row["process"] != "generator"]
    times = sorted({int(str(row["t_ns"])) for row in rows})
    if len(times) < 2:  # noqa: PLR2004 - no time between samples
        return None
    percent = sum(float(str(row["cpu_percent"])) for row in rows if row["t_ns"] != times[0])
    own_share = percent / 100 / (len(times) - 1)
    busy_share = measured.machine.busy_s / measured.machine.wall_s
    return max(0.0, busy_share - own_share) / len(cores.sut)


def worst(values: Iterable[float | None]) -> float | None:
    """Return the largest of those that are known."""
    return max((value for value in values if value is not None), default=None)


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of those that are known."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
