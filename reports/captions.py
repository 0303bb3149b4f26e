"""What to take from each figure, in one sentence made from the rows it draws. Silent where nothing may be claimed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reports.results import RAW_LIMIT
from reports.view import PREDICTION, STAGES
from reports.wording import digits, interval, listed, number

if TYPE_CHECKING:
    from reports.results import Result
    from reports.samples import Curve
    from reports.view import View

ILLUSTRATION = "An illustration, not a finding: {}."
RATIO = "p50_over_raw_limit"


def percentiles(view: View, *, claims: bool) -> str:
    """How far each variant is from the raw limit; without one, how wide the variants spread."""
    if not claims:
        return ILLUSTRATION.format("response time by percentile and route class, with intervals where known")
    ratios = [row for row in view.results.matching(RATIO) if row.known and row.variant in view.variants]
    if ratios:
        words = [f"{_times(row)} as long in {view.title(row.variant)}" for row in ratios]
        return f"Against the raw limit, the median prediction took {listed(words)}."
    words = [f"{median} in {view.title(name)}" for name in view.variants if (median := _median(view, name))]
    if not words:
        return "No median response time of a prediction is published."
    limit = _median(view, RAW_LIMIT)
    return f"The median prediction took {listed(words)}{f', with a raw limit of {limit}' if limit else ''}."


def stages(view: View, *, claims: bool) -> str:
    """Which stage weighs most in each variant."""
    if not claims:
        return ILLUSTRATION.format("the median of every stage of a prediction, as the servers report it")
    words = []
    for name in view.variants:
        parts = {stage: stage_ms(view, name, stage) for stage in STAGES}
        if any(parts.values()):
            largest = max(parts, key=lambda stage: parts[stage])
            words.append(f"{largest} in {view.title(name)} ({number(parts[largest], 'ms')})")
    return f"The largest stage is {listed(words)}."


def curve(view: View, *, claims: bool) -> str:
    """How much slower the slow requests are than the usual ones."""
    if not claims:
        return ILLUSTRATION.format("response time of a prediction by percentile, all trials of a variant together")
    curves = sorted(view.curves, key=lambda each: view.variants.index(each.variant))
    words = [f"{_growth(each)} times the median in {view.title(each.variant)}" for each in curves if _growth(each)]
    if not words:
        return "No variant answered enough requests well to compare its slow ones with its usual ones."
    return f"The slowest 5 % of the predictions took at least {listed(words)}."


def stage_ms(view: View, variant: str, stage: str) -> float:
    """Return the median of one stage in ms, 0 where the variant has no such stage or it is withheld."""
    row = view.results.find(variant, PREDICTION, f"stage_{stage}_p50")
    value = row.value if row is not None and row.known else None
    return value if value is not None and math.isfinite(value) else 0.0


def _median(view: View, name: str) -> str:
    row = view.percentile(name, PREDICTION, "p50")
    return number(row.value, "ms") if row is not None and row.known else ""


def _times(row: Result) -> str:
    if row.value is None or math.isinf(row.value):
        return "without end, as half of them failed, instead of"
    return f"{digits(row.value)} times {interval(row.low, row.high)}".rstrip()


def _growth(each: Curve) -> str:
    median, slow = each.at(0.5), each.at(0.95)
    if not median or not slow or math.isinf(slow):
        return ""
    return digits(slow / median)
