"""The rows of results.csv: every number that a report may print is one of them."""

from collections.abc import Iterable, Mapping

import pandas as pd

from bench.latency.ratios import Floors, Ratio
from bench.statistics import estimates
from bench.statistics.capacity import Bracket
from bench.statistics.estimates import Estimate
from bench.statistics.quantities import RAW_LIMIT, Quantities
from bench.statistics.steps import Full, StepFacts

EXPERIMENT = "latency"
LEVELS = ("response_p50", "response_p95", "response_p99", "service_p50", "lag_p99")
STAGES = ("stage_app_p50", "stage_db_p50", "stage_decode_p50", "stage_queue_p50", "stage_infer_p50")
RAW = ("response_p50", "response_p95", "response_p99", "stage_decode_p50", "stage_infer_p50")
LAG = "lag_p99"  # the generator's own, so it is shown for saturated steps, too
MB = 1e6

Row = dict[str, object]


def row(
    variant: str, case: str, metric: str, estimate: Estimate, unit: str, *, rate: float | None = None, verdict: str = ""
) -> Row:
    """Return one row; a number that the samples cannot carry is withheld."""
    return {
        "experiment": EXPERIMENT,
        "variant": variant,
        "case": case,
        "metric": metric,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "unit": unit,
        "n": estimate.n,
        "verdict": verdict or ("withheld" if estimate.value is None else ""),
        "offered_per_s": rate,
    }


def levels(requests: pd.DataFrame, found: Quantities, skip: Full) -> list[Row]:
    """Return percentiles, failures and stages by variant, case and offered rate, from low to high.

    The percentiles of a saturated step are withheld: they would only tell how long it lasted.
    """
    table = []
    groups = requests.groupby(["variant", "case", "offered_per_s"], sort=True)["outcome"]
    for key, outcomes in groups:
        variant, case, rate = str(key[0]), str(key[1]), float(str(key[2]))
        count, failed = len(outcomes), int((outcomes != "ok").sum())
        full = (variant, case, rate) in skip
        metrics = LEVELS + (STAGES if case == "prediction" else ())
        for metric in metrics:
            estimate = found.level(variant, case, metric, rate)
            if full and metric != LAG:
                estimate = Estimate(None, None, None, estimate.n)
            if estimate.n or metric in LEVELS:  # a stage that nobody reports has no row
                verdict = "saturated" if full and metric != LAG else ""
                table.append(row(variant, case, metric, estimate, "ms", rate=rate, verdict=verdict))
        table.append(row(variant, case, "failed_share", plain(failed / count, count), "share", rate=rate))
    return table


def raw_limit(found: Quantities) -> list[Row]:
    """Return the rows of the bare model."""
    return [
        row(RAW_LIMIT, case, metric, found.level(RAW_LIMIT, case, metric, 0.0), "ms")
        for case in ("prediction", "back to back")
        for metric in RAW
        if found.blocks((RAW_LIMIT, case, 0.0, metric.rpartition("_p")[0]))
    ]


def goodput(steps: Iterable[StepFacts]) -> list[Row]:
    """Return good answers in time per second, and CPU seconds per 1,000 good answers, means over blocks."""
    groups: dict[tuple[str, float], list[StepFacts]] = {}
    for step in steps:
        groups.setdefault((step.variant, step.rate), []).append(step)
    table = []
    for (variant, rate), same in sorted(groups.items()):
        for case in sorted({case for step in same for case in step.goodput}):
            estimate = estimates.mean([step.goodput.get(case, 0.0) for step in same])
            table.append(row(variant, case, "goodput", estimate, "1/s", rate=rate))
        paid = [(step.cpu_s, step.good) for step in same if step.cpu_s is not None]
        good = sum(answers for _, answers in paid)
        if good:
            cost = 1000 * sum(seconds for seconds, _ in paid) / good
            table.append(row(variant, "all", "cpu_s_per_1000", plain(cost, good), "s", rate=rate))
    return table


def memory(trials: Iterable[tuple[str, Mapping[str, int]]]) -> list[Row]:
    """Return the memory of each variant's processes together at the end of a trial, means over trials."""
    found: dict[str, list[float]] = {}
    for variant, by_process in trials:
        found.setdefault(variant, []).append(sum(by_process.values()) / MB)
    return [
        row(variant, "all", "memory", plain(sum(each) / len(each), len(each)), "MB") for variant, each in found.items()
    ]


def capacities(brackets: Mapping[str, Bracket]) -> list[Row]:
    """Return the brackets: low is the highest rate that kept the objective, high the lowest that did not."""
    return [
        row(
            variant, "prediction", "capacity", Estimate(None, bracket.low, bracket.high, len(bracket.points)), "1/s",
            verdict="undecided" if bracket.low is None and bracket.high is None else "bracket",
        )
        for variant, bracket in brackets.items()
    ]  # fmt: skip


def comparisons(table: Iterable[Ratio], again: str, of: str, floors: Floors) -> list[Row]:
    """Return the ratios of variants, and those of a system with itself: the noise floor."""
    rows = [
        row(each.left, "prediction", f"{each.metric} / {each.right}", each.estimate, "x", rate=each.rate,
            verdict="claimed" if each.claimed else "within the noise")
        for each in table
    ]  # fmt: skip
    return rows + [
        row(again, "prediction", f"{metric} / {of}", floor, "x", rate=rate) for (metric, rate), floor in floors.items()
    ]


def checks(judged: Iterable[Row]) -> list[Row]:
    """Return the rows of checks; a title stands for the metric."""
    keys = ("value", "low", "high", "unit", "n", "verdict")
    common = {"experiment": EXPERIMENT, "variant": "", "case": "", "offered_per_s": None}
    return [{**common, "metric": f"check: {check['title']}", **{key: check[key] for key in keys}} for check in judged]


def plain(value: float, n: int) -> Estimate:
    """Return a count-based number without interval."""
    return Estimate(value, None, None, n)
