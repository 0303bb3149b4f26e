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
from bench.statistics.estimates import Estimate, Floats
from bench.statistics.noise import order_effect
from bench.statistics.quantities import MS, RAW_LIMIT, Quantities
from bench.statistics.steps import TrialFacts
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

    def rows(self, trials: Sequence[Trial]) -> pd.DataFrame:
        """Return all requests of some trials, also those that do not count."""
        return self.raw.requests[self.raw.requests["trial"].isin([trial.trial for trial in trials])]


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
    return [
        lag(seen, name, own, arm.delay_ms if arm else 0.0),
        judging.complete(
            limits, name, scheduled=scheduled(seen, name), sent=sent, dropped=int(outcomes.get("dropped", 0))
        ),
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
        where = f"at {float(str(rate)):.3g} predictions per second, "
        gates_.append(judging.lag(seen.raw.limits, name, late_ms, shortest_ms, where))
    return max(gates_, key=lambda gate: np.inf if gate.value is None else gate.value / (gate.fail_above or 1.0))


def scheduled(seen: Seen, name: str) -> int:
    """Return how many requests of the steps that count were planned for an arm."""
    steps = [step for trial in seen.own.counted for step in trial.steps if not step.reason]
    return sum(step.scheduled for step in steps if step.variant == name)


def grown(seen: Seen, variant: str) -> Gate:
    """Return G7 for the step that grew most, which above capacity is what it should do."""
    steps = [step for trial in seen.trials for step in trial.steps if step.variant == variant]
    known = [(step.rate, step.steadiness[CASE]) for step in steps if CASE in step.steadiness]
    most = max(known, key=lambda each: (each[1].label == "saturated", each[1].index), default=None)
    if most is None:
        return judging.steady(seen.raw.limits, variant, None)
    return judging.steady(seen.raw.limits, variant, most[1], f"at {most[0]:.3g} predictions per second")


def of_trials(seen: Seen, variant: str, own: Sequence[Trial]) -> list[Gate]:
    """Return the gates of machine and generator during some trials: the staircases of a variant, or all turns."""
    limits, name = seen.raw.limits, variant or TURNS
    numbers = {trial.trial for trial in own}
    foreign = gates.mean(gates.foreign_share(trial, seen.raw.processes, seen.raw.run.machine) for trial in own)
    return [
        *gates.of_generator(limits, name, own, seen.rows(own), seen.raw.processes),
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
            table.append(judging.control(limits, arm.name, difference(seen.found, arm), arm.delay_ms))
    return [*table, judging.order(limits, order_of(seen))]


def difference(found: Quantities, arm: Arm) -> Estimate:
    """Return by how many ms an arm is slower than the variant that it is a copy of, at low load."""
    return compare(found, (arm.name, CASE, PRIMARY, None), (arm.of, CASE, PRIMARY, None), "difference")


def order_of(seen: Seen) -> Estimate | None:
    """Return the effect of the place within a round on the median response at low load; None where there is none."""
    turns = [trial for trial in seen.own.counted if not trial.variant]
    names = list(dict.fromkeys(step.variant for trial in turns for step in trial.steps if step.variant != RAW_LIMIT))
    times: list[list[float]] = []
    places: list[list[int]] = []
    for trial in turns:
        own = medians(seen.counted[(seen.counted["trial"] == trial.trial) & (seen.counted["case"] == CASE)])
        low = min((step.rate_per_s for step in trial.steps), default=0.0)
        for round_ in sorted({step.round for step in trial.steps if step.rate_per_s == low and not step.reason}):
            steps = {step.variant: step for step in trial.steps if step.round == round_}
            if all(name in steps and steps[name].step in own for name in names):
                times.append([own[steps[name].step] for name in names])
                places.append([steps[name].position for name in names])
    return order_effect(times, places) if len(times) > 1 and len(names) > 1 else None


def medians(rows: pd.DataFrame) -> dict[int, float]:
    """Return the median response in ms by step."""
    response: Floats = np.where(rows["outcome"] == "ok", (rows["done_ns"] - rows["intended_ns"]) / MS, np.inf)
    return {
        int(str(step)): float(value)
        for step, value in pd.Series(response, rows["step"]).groupby(level=0).median().items()
    }
