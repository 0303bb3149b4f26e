"""What each step of the staircase did as a whole: did the queue settle, do the books add up, what did answers cost."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis.stats import Floats
from bench.analysis.steady import Steadiness, little, steadiness

SECOND_NS = 1e9
GENERATOR = "generator"


@dataclass(frozen=True)
class StepFacts:
    """One step of one trial. Rates are per second, CPU seconds those of the whole stack."""

    variant: str
    block: int
    rate: float
    steadiness: Steadiness
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
    intended, done = (sent[name].to_numpy(dtype=np.float64) / SECOND_NS for name in ("intended_ns", "done_ns"))
    steps = [of_step(record, step, sent, (intended, done), processes, slo_ms, most) for step in record["steps"]]
    last = record["steps"][-1]
    end = last["start_s"] + last["seconds"]
    return TrialFacts(str(record["variant"]), steps, little(intended, done, 0.0, end, int(record["completed"])))


def of_step(
    record: Mapping[str, Any],
    step: Mapping[str, Any],
    sent: pd.DataFrame,
    times: tuple[Floats, Floats],
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
        steadiness=steadiness(*times, start, start + seconds, most),
        goodput={case: float((in_time["case"] == case).sum()) / seconds for case in own["case"].unique()},
        good=good,
        cpu_s=cpu_between(processes, start, start + seconds),
    )


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


def saturated(facts: Iterable[TrialFacts]) -> set[tuple[str, float]]:
    """Return variants with the rates at which the queue grew in at least half of their trials."""
    labels: dict[tuple[str, float], list[bool]] = {}
    for trial in facts:
        for step in trial.steps:
            labels.setdefault((step.variant, step.rate), []).append(step.steadiness.label == "saturated")
    return {key for key, grew in labels.items() if 2 * sum(grew) >= len(grew)}
