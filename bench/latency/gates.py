"""The gates of the latency experiment: hands what was recorded to `bench.gates.judging`, arm by arm, then whole."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.gates import judging
from bench.latency.arms import AGAIN, CONTROL
from bench.latency.ratios import CASE, METRICS, Floors, compare
from bench.session import gates
from bench.session.experiment import Raw
from bench.statistics.estimates import Estimate
from bench.statistics.noise import order_effect
from bench.statistics.quantities import MS, RAW_LIMIT, Quantities
from bench.statistics.steps import TrialFacts
from bench.terminal import rounded
from runfile.facts import Arm, Gate, Latency, Trial

PRIMARY = METRICS[0]
TURNS = "turns"  # what gates call the trials in which all took turns


@dataclass(frozen=True)
class Seen:
    """All that the gates look at; `counted` are the requests that count."""

    raw: Raw
    own: Latency
    counted: pd.DataFrame
    found: Quantities
    trials: Sequence[TrialFacts]
    floors: Floors


def judge(seen: Seen) -> list[Gate]:
    """Return all gates."""
    table: list[Gate] = []
    names = {arm.name: arm for arm in seen.own.arms}
    for name in dict.fromkeys((*(each.name for each in seen.raw.run.variants), *names)):
        if (seen.counted["variant"] == name).any():
            table += of_arm(seen, name, names.get(name))
    for name in dict.fromkeys(trial.variant for trial in seen.own.counted):
        table += of_trials(seen, name, [trial for trial in seen.own.counted if trial.variant == name])
    return table + of_session(seen)


def of_arm(seen: Seen, name: str, arm: Arm | None) -> list[Gate]:
    """Return the gates of what was sent to one arm and came back, turns and staircases together."""
    limits, own = seen.raw.limits, seen.counted[seen.counted["variant"] == name]
    sent = int(own["sent_ns"].notna().sum())
    outcomes = own["outcome"].value_counts()
    steps = [step for trial in seen.own.counted for step in trial.steps if step.variant == name and not step.reason]
    scheduled = sum(step.scheduled for step in steps)
    return [
        lag(seen, name, own, arm.delay_ms if arm else 0.0),
        judging.complete(limits, name, scheduled=scheduled, sent=sent, dropped=int(outcomes.get("dropped", 0))),
        grown(seen, name),
        judging.same_answers(limits, name, wrong=int(outcomes.get("wrong", 0)), compared=sent),
    ]


def lag(seen: Seen, name: str, own: pd.DataFrame, delay_ms: float) -> Gate:
    """Return G1 for the offered rate at which it is worst: lateness is held against the service time there."""
    gates_ = []
    for rate, rows in own.groupby("offered_per_s"):
        late_ms = (rows["sent_ns"] - rows["intended_ns"]).dropna().to_numpy(dtype=np.float64) / MS - delay_ms
        good = rows[rows["outcome"] == "ok"]
        by_case = ((good["done_ns"] - good["sent_ns"]) / MS).groupby(good["case"]).median()
        shortest_ms = float(by_case.min()) if len(good) else None
        where = f"at {rounded(float(str(rate)))} predictions per second, "
        gates_.append(judging.lag(seen.raw.limits, name, late_ms, shortest_ms, where))
    return max(gates_, key=lambda gate: np.inf if gate.value is None else gate.value / (gate.fail_above or 1.0))


def grown(seen: Seen, variant: str) -> Gate:
    """Return G7 for the step that grew most, which above capacity is what it should do."""
    steps = [step for trial in seen.trials for step in trial.steps if step.variant == variant]
    known = [(step.rate, step.steadiness[CASE]) for step in steps if CASE in step.steadiness]
    most = max(known, key=lambda each: (each[1].label == "saturated", each[1].index), default=None)
    if most is None:
        return judging.steady(seen.raw.limits, variant, None)
    return judging.steady(seen.raw.limits, variant, most[1], f"at {rounded(most[0])} predictions per second")


def of_trials(seen: Seen, variant: str, own: Sequence[Trial]) -> list[Gate]:
    """Return the gates of machine and generator during some trials: the staircases of a variant, or all turns."""
    limits, name = seen.raw.limits, variant or TURNS
    numbers = {trial.trial for trial in own}
    sent = seen.raw.requests[seen.raw.requests["trial"].isin(numbers)]  # also what does not count
    foreign = gates.mean(gates.foreign_share(trial, seen.raw.processes, seen.raw.run.machine) for trial in own)
    return [
        *gates.of_generator(limits, name, own, sent, seen.raw.processes),
        *gates.of_machine(limits, name, own, seen.own.counted, foreign),
        judging.books(limits, name, gates.worst(each.little_error for each in seen.trials if each.trial in numbers)),
    ]


def of_session(seen: Seen) -> list[Gate]:
    """Return the gates of the session as a whole: A/A, order, control. Not judged where the arm is not part of it."""
    limits, table = seen.raw.limits, []
    for arm in seen.own.arms:
        if arm.kind == AGAIN:
            low = seen.found.low(arm.name)
            own = {metric: floor for (metric, rate), floor in seen.floors.items() if rate == low}
            table += judging.equal(limits, arm.name, own)
        elif arm.kind == CONTROL:
            late, copied = (arm.name, CASE, PRIMARY, None), (arm.of, CASE, PRIMARY, None)
            found = compare(seen.found, late, copied, "difference")
            table.append(judging.control(limits, arm.name, found, arm.delay_ms))
    return [*table, judging.order(limits, order_of(seen))]


def order_of(seen: Seen) -> Estimate | None:
    """Return the effect of the place within a round on the median response at low load; None where there is none."""
    places = {
        (trial.trial, step.step): (step.round, step.position) for trial in seen.own.counted for step in trial.steps
    }
    low = seen.found.low(seen.raw.run.variants[0].name) if seen.raw.run.variants else 0.0
    own = seen.counted[(seen.counted["case"] == CASE) & (seen.counted["offered_per_s"] == low)]
    own = own[own["variant"] != RAW_LIMIT]
    stood = [places.get(each, (0, 0)) for each in zip(own["trial"], own["step"], strict=True)]
    ms = np.where(own["outcome"] == "ok", (own["done_ns"] - own["intended_ns"]) / MS, np.inf)
    turns = own.assign(ms=ms, round=[each[0] for each in stood], place=[each[1] for each in stood])
    by_turn = turns[turns["round"] > 0].groupby(["trial", "round", "variant"]).agg({"ms": "median", "place": "first"})
    complete = by_turn.unstack("variant").dropna()  # noqa: PD010 - a table by round, of both columns
    if len(complete) < 2 or len(complete.columns) < 4:  # noqa: PLR2004 - two rounds of two variants, at least
        return None
    return order_effect(complete["ms"].to_numpy(), complete["place"].to_numpy())
