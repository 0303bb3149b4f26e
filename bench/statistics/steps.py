"""What each step of a staircase did as a whole: did the queue settle, do the books add up, what did answers cost."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.statistics.estimates import Floats
from bench.statistics.steady import Steadiness, in_flight, little, steadiness
from runfile.facts import Step, Trial

SECOND_NS = 1e9
GENERATOR = "generator"
PREDICTION = "prediction"
SETTLED = 0.5  # of a step: goodput is that of the rest, or it would tell how long the step was
LAST_S = 0.2  # the backlog is the mean in flight of so many seconds at the end of a step

Full = set[tuple[str, str, float]]  # variant, case and rate whose percentiles are withheld


@dataclass(frozen=True)
class StepFacts:
    """One step of one trial. Rates are per second, CPU seconds those of the whole stack until it had drained."""

    variant: str
    block: int
    rate: float
    steadiness: dict[str, Steadiness]  # by case
    goodput: dict[str, float]  # by case: good answers within the objective, of the requests of the second half
    backlog: float  # predictions in flight at the end
    good: int
    cpu_s: float | None

    def grew(self, case: str) -> bool:
        """Whether the backlog surely grew until the end."""
        steady = self.steadiness.get(case)
        return steady is not None and steady.label == "saturated"


@dataclass(frozen=True)
class TrialFacts:
    """One trial: its steps, and by how much Little's law is off over all of them.

    Where variants took turns it has no steps: a turn is too short for a queue to show.
    """

    trial: int
    variant: str
    steps: list[StepFacts]
    little_error: float | None


def of_trial(
    trial: Trial, requests: pd.DataFrame, processes: pd.DataFrame, *, slo_ms: float, most: float
) -> TrialFacts:
    """Return the facts of a trial from its rows of both tables, without warm-ups; `most` is the limit of G7."""
    sent = requests[requests["sent_ns"].notna()]
    steps, last = [], trial.steps[-1]
    if trial.variant:
        ends = [*(step.start_s for step in trial.steps[1:]), last.start_s + last.seconds + last.pause_s]
        steps = [
            of_step(trial, step, end, sent, processes, slo_ms=slo_ms, most=most)
            for step, end in zip(trial.steps, ends, strict=True)
        ]
    planned = sum(step.scheduled for step in trial.steps if not step.reason) or trial.scheduled
    error = little(*times(sent), 0.0, last.start_s + last.seconds, planned - (len(requests) - len(sent)))
    return TrialFacts(trial.trial, trial.variant, steps, error)


def of_step(
    trial: Trial,
    step: Step,
    drained_s: float,
    sent: pd.DataFrame,
    processes: pd.DataFrame,
    *,
    slo_ms: float,
    most: float,
) -> StepFacts:
    """Return the facts of one step; what was piled up has been worked off at `drained_s`."""
    end_s = step.start_s + step.seconds
    own = sent[sent["step"] == step.step]
    settled_s = step.start_s + SETTLED * step.seconds
    late = own[own["intended_ns"] >= settled_s * SECOND_NS]
    in_time = late[(late["outcome"] == "ok") & (late["done_ns"] - late["intended_ns"] <= slo_ms * 1e6)]
    predictions = own[own["case"] == PREDICTION]
    return StepFacts(
        variant=trial.variant,
        block=trial.block,
        rate=step.rate_per_s,
        steadiness=by_case(sent, step.start_s, end_s, most),
        goodput={case: float((in_time["case"] == case).sum()) / (end_s - settled_s) for case in own["case"].unique()},
        backlog=float(in_flight(*times(predictions), [end_s - LAST_S, end_s])[0]),
        good=int((own["outcome"] == "ok").sum()),
        cpu_s=cpu_between(processes, step.start_s, drained_s),
    )


def by_case(sent: pd.DataFrame, start_s: float, end_s: float, most: float) -> dict[str, Steadiness]:
    """Judge predictions and bystanders apart: whether these suffer from a queue of those is what one wants to see."""
    is_prediction = sent["case"] == PREDICTION
    found: dict[str, Steadiness] = {}
    for rows in (sent[is_prediction], sent[~is_prediction]):
        if len(rows):
            steady = steadiness(*times(rows), start_s, end_s, most)
            found |= {str(case): steady for case in rows["case"].unique()}
    return found


def times(rows: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return when requests were due and when they were over, in seconds."""
    intended, done = (rows[name].to_numpy(dtype=np.float64) / SECOND_NS for name in ("intended_ns", "done_ns"))
    return intended, done


def cpu_between(processes: pd.DataFrame, start_s: float, end_s: float) -> float | None:
    """Return the CPU seconds of the stack between two times, from its samples of once a second, interpolated.

    The samples end with the load: what comes after the last one is a second at most.
    """
    total = 0.0
    for name, rows in processes.groupby("process"):
        if name == GENERATOR:
            continue
        at = rows["t_ns"].to_numpy(dtype=np.float64) / SECOND_NS
        if not len(at) or at[0] > start_s + 1.5 or at[-1] < end_s - 1.5:
            return None
        used = np.cumsum(rows["cpu_percent"].to_numpy(dtype=np.float64)[1:] / 100 * np.diff(at))
        total += float(np.diff(np.interp([start_s, end_s], at, np.append(0.0, used)))[0])
    return total


def saturated(facts: Iterable[TrialFacts]) -> Full:
    """Return variant, case and rate wherever the queue grew in at least half of the trials."""
    labels: dict[tuple[str, str, float], list[bool]] = {}
    for step in (step for trial in facts for step in trial.steps):
        for case in step.steadiness:
            labels.setdefault((step.variant, case, step.rate), []).append(step.grew(case))
    return {key for key, grew in labels.items() if 2 * sum(grew) >= len(grew)}
