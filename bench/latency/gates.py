"""The gates of a run: hands what was measured to `bench.gates.judging`, arm by arm and then as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.gates import judging as gates
from bench.gates.thresholds import Gate, Thresholds
from bench.latency.ratios import CASE, METRICS, Floors
from bench.latency.trial import Arm, Measured
from bench.load.samples import NEVER
from bench.machine.cores import Split
from bench.session.surroundings import cpu_percent, environment, worst
from bench.statistics.estimates import Estimate, paired_difference
from bench.statistics.noise import order_effect
from bench.statistics.quantities import Quantities
from bench.statistics.steps import TrialFacts

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
    loop_lag_ms = np.concatenate([each.load.loop_lag_ns for each in own]) / MS
    scheduled = sum(int(each.schedule.measured.sum()) for each in own)
    recorded = sum(int(np.count_nonzero(each.load.times("sent_ns") != NEVER)) for each in own)
    return [
        gates.lag(limits, name, lag_ms, shortest_service(found, name)),
        gates.complete(
            limits, name, scheduled=scheduled, sent=sent, dropped=int(outcomes.get("dropped", 0))
        ),
        gates.generator_cpu(limits, name, {"generator": cpu_percent(own)}),
        gates.loop_lag(limits, name, loop_lag_ms, gc_off=not any(each.load.collections for each in own)),
        *gates.environment(limits, name, **environment(session.measured, own, session.cores)),
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
