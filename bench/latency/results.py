"""The rows of results.csv: every number that a report may print is one of them."""

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from bench.latency.ratios import CASE, Floors
from bench.statistics import estimates
from bench.statistics.estimates import Estimate
from bench.statistics.quantities import RAW_LIMIT, Quantities
from bench.statistics.steps import Full, StepFacts
from runfile.facts import Capacity, Check, Ratio, Trial
from runfile.rows import SATURATED, WITHHELD, ResultRow

EXPERIMENT = "latency"
LEVELS = ("response_p50", "response_p95", "response_p99", "service_p50", "lag_p99")
STAGES = ("stage_app_p50", "stage_db_p50", "stage_decode_p50", "stage_queue_p50", "stage_infer_p50")
RAW = ("response_p50", "response_p95", "response_p99", "stage_decode_p50", "stage_infer_p50")
LAG = "lag_p99"  # the generator's own, so it is shown for saturated steps, too
MB = 1e6


def row(
    variant: str, case: str, metric: str, estimate: Estimate, unit: str, *, rate: float | None = None, verdict: str = ""
) -> ResultRow:
    """Return one row; a number that the samples cannot carry is withheld."""
    return ResultRow(
        EXPERIMENT, variant, case, metric, estimate.value, estimate.low, estimate.high, unit, estimate.n,
        verdict or (WITHHELD if estimate.value is None else ""), rate,
    )  # fmt: skip


def levels(counted: pd.DataFrame, found: Quantities, skip: Full) -> list[ResultRow]:
    """Return percentiles, failures and stages by variant, case and offered rate, from low to high.

    The percentiles of a saturated step are withheld: they would only tell how long it lasted.
    """
    table = []
    asked = counted[counted["variant"] != RAW_LIMIT]
    for key, outcomes in asked.groupby(["variant", "case", "offered_per_s"], sort=True)["outcome"]:
        variant, case, rate = str(key[0]), str(key[1]), float(str(key[2]))
        count, failed = len(outcomes), int((outcomes != "ok").sum())
        full = (variant, case, rate) in skip
        for metric in LEVELS + (STAGES if case == CASE else ()):
            estimate, hidden = found.level(variant, case, metric, rate), full and metric != LAG
            if hidden:
                estimate = Estimate(None, None, None, estimate.n)
            if estimate.n or metric in LEVELS:  # a stage that nobody reports has no row
                verdict = SATURATED if hidden else ""
                table.append(row(variant, case, metric, estimate, "ms", rate=rate, verdict=verdict))
        table.append(
            row(variant, case, "failed_share", Estimate(failed / count, None, None, count), "share", rate=rate)
        )
    return table


def raw_limit(found: Quantities) -> list[ResultRow]:
    """Return the rows of the bare model, at every pace that it had."""
    cases = {(case, rate): None for name, case, rate, _ in found.samples if name == RAW_LIMIT}
    return [
        row(RAW_LIMIT, case, metric, found.level(RAW_LIMIT, case, metric, rate), "ms", rate=rate or None)
        for case, rate in sorted(cases)
        for metric in RAW
        if found.blocks((RAW_LIMIT, case, rate, metric.rpartition("_p")[0]))
    ]


def steps_of(steps: Iterable[StepFacts]) -> list[ResultRow]:
    """Return what each step of a staircase left: goodput and backlog, means over blocks, and CPU per good answer.

    Goodput cannot exceed what was offered, and its interval neither.
    """
    groups: dict[tuple[str, float], list[StepFacts]] = {}
    for step in steps:
        groups.setdefault((step.variant, step.rate), []).append(step)
    table = []
    for (variant, rate), same in sorted(groups.items()):
        for case in sorted({case for step in same for case in step.goodput}):
            estimate = estimates.mean([step.goodput.get(case, 0.0) for step in same])
            most = rate if case == CASE else math.inf
            table.append(row(variant, case, "goodput", within(estimate, most), "1/s", rate=rate))
        backlog = within(estimates.mean([step.backlog for step in same]))
        table.append(row(variant, CASE, "backlog", backlog, "requests", rate=rate))
        table += cost(variant, rate, same)
    return table


def cost(variant: str, rate: float, same: Sequence[StepFacts]) -> list[ResultRow]:
    """Return CPU seconds of the stack for 1,000 good answers, those that came late included."""
    paid = [(step.cpu_s, step.good) for step in same if step.cpu_s is not None]
    good = sum(answers for _, answers in paid)
    if not good:
        return []
    seconds = 1000 * sum(seconds for seconds, _ in paid) / good
    return [row(variant, "all", "cpu_s_per_1000", Estimate(seconds, None, None, good), "s", rate=rate)]


def within(estimate: Estimate, most: float = math.inf) -> Estimate:
    """Return an estimate of what is never below 0, and never above `most`, with an interval that knows."""
    edges = (estimate.value, estimate.low, estimate.high)
    value, low, high = (None if each is None else min(max(0.0, each), most) for each in edges)
    return Estimate(value, low, high, estimate.n)


def memory(trials: Iterable[Trial]) -> list[ResultRow]:
    """Return the memory of each variant's processes together at the end of a trial, means over trials."""
    found: dict[str, list[float]] = {}
    for trial in trials:
        sums: dict[str, float] = {}
        for name, size in trial.memory_bytes.items():
            variant = name.rpartition("/")[0]
            sums[variant] = sums.get(variant, 0.0) + size / MB
        for variant, size_mb in sums.items():
            found.setdefault(variant, []).append(size_mb)
    return [
        row(variant, "all", "memory", Estimate(sum(each) / len(each), None, None, len(each)), "MB")
        for variant, each in found.items()
    ]


def capacities(brackets: Iterable[Capacity]) -> list[ResultRow]:
    """Return the brackets: low is the highest rate that kept the objective, high the lowest that did not."""
    return [
        row(
            each.variant, CASE, "capacity", Estimate(None, each.low, each.high, len(each.points)), "1/s",
            verdict="undecided" if each.low is None and each.high is None else "bracket",
        )
        for each in brackets
    ]  # fmt: skip


def comparisons(table: Iterable[Ratio], again: str, of: str, floors: Floors) -> list[ResultRow]:
    """Return the ratios of variants, and those of a system with itself: the noise floor."""
    rows = [
        row(each.left, CASE, f"{each.metric} / {each.right}", Estimate(each.value, each.low, each.high, each.n), "x",
            rate=each.offered_per_s, verdict="claimed" if each.claim else "within the noise")
        for each in table
    ]  # fmt: skip
    return rows + [
        row(again, CASE, f"{metric} / {of}", floor, "x", rate=rate) for (metric, rate), floor in floors.items()
    ]


def checks(judged: Iterable[Check]) -> list[ResultRow]:
    """Return the rows of checks; a title stands for the metric."""
    return [
        ResultRow(
            EXPERIMENT, "", "", f"check: {each.title}", each.value, each.low, each.high, each.unit, each.n, each.verdict
        )
        for each in judged
    ]
