"""What each step of the staircase did as a whole: did the queue settle, do the books add up, what did answers cost."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.statistics.estimates import Floats
from bench.statistics.steady import Steadiness, little, steadiness

SECOND_NS = 1e9
GENERATOR = "generator"
PREDICTION = "prediction"

Full = set[tuple[str, str, float]]  # variant, case and rate whose percentiles are withheld


@dataclass(frozen=True)
class StepFacts:
    """One step of one trial. Rates are per second, CPU seconds those of the whole stack."""

    variant: str
    block: int
    rate: float
    steadiness: dict[str, Steadiness]  # by case
    goodput: dict[str, float]  # by case: good answers within the objective
    good: int
    cpu_s: float | None


@dataclass(frozen=True)
class TrialFacts:
    """One trial: its steps, and by how much Little's law is off over all of them."""

    variant: str
    steps: list[StepFacts]
    little_error: float | None


def of_trial(
    record: Mapping[str, Any], requests: pd.DataFrame, processes: pd.DataFrame, *, slo_ms: float, most: float
) -> TrialFacts:
    """Return the facts of a trial from its record and its rows of both tables; `most` is the limit of G7."""
    sent = requests[requests["sent_ns"].notna()]
    intended, done = times(sent)
    steps = [of_step(record, step, sent, processes, slo_ms, most) for step in record["steps"]]
    last = record["steps"][-1]
    end = last["start_s"] + last["seconds"]
    return TrialFacts(str(record["variant"]), steps, little(intended, done, 0.0, end, int(record["completed"])))


def of_step(
    record: Mapping[str, Any],
    step: Mapping[str, Any],
    sent: pd.DataFrame,
    processes: pd.DataFrame,
    slo_ms: float,
    most: float,
) -> StepFacts:
    """Return the facts of one step."""
    start, seconds = step["start_s"], step["seconds"]
    own = sent[sent["step"] == step["step"]]
    in_time = own[(own["outcome"] == "ok") & (own["done_ns"] - own["intended_ns"] <= slo_ms * 1e6)]
    good = int((own["outcome"] == "ok").sum())
    return StepFacts(
        variant=str(record["variant"]),
        block=int(record["block"]),
        rate=float(step["rate_per_s"]),
        steadiness=by_case(sent, start, start + seconds, most),
        goodput={case: float((in_time["case"] == case).sum()) / seconds for case in own["case"].unique()},
        good=good,
        cpu_s=cpu_between(processes, start, start + seconds),
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
    """Return the CPU seconds of the stack between two times, from its samples of once a second, interpolated."""
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
        for case, steady in step.steadiness.items():
            labels.setdefault((step.variant, case, step.rate), []).append(steady.label == "saturated")
    return {key for key, grew in labels.items() if 2 * sum(grew) >= len(grew)}
