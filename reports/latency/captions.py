"""What to take from each figure, in one sentence made from the rows it draws. Silent where nothing may be claimed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reports.results import RAW_LIMIT
from reports.view import PREDICTION, STAGES
from reports.wording import digits, listed, number

if TYPE_CHECKING:
    from reports.samples import Curve
    from reports.view import View

ILLUSTRATION = "An illustration, not a finding: {}."
BACK_TO_BACK = "back to back"


def percentiles(view: View, *, claims: bool) -> str:
    """How far each variant is from the raw limit; without one, how wide the variants spread."""
    if not claims:
        return ILLUSTRATION.format("response time by percentile and route class, with intervals where known")
    words = [f"{median} in {view.title(name)}" for name in view.variants if (median := _median(view, name))]
    if not words:
        return "No median response time of a prediction is published."
    return f"The median prediction took {listed(words)}{_raw_limit(view)}."


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


def _raw_limit(view: View) -> str:
    """Tell the bare model's median at the pace of the load and, where it was measured, without a pause."""
    paced, hot = _median(view, RAW_LIMIT), _median(view, RAW_LIMIT, BACK_TO_BACK)
    if not paced:
        return ""
    return f", with a raw limit of {paced}" + (f" ({hot} where the core never rests)" if hot else "")


def _median(view: View, name: str, case: str = PREDICTION) -> str:
    row = view.percentile(name, case, "p50")
    return number(row.value, "ms") if row is not None and row.known else ""


def _growth(each: Curve) -> str:
    median, slow = each.at(0.5), each.at(0.95)
    if not median or not slow or math.isinf(slow):
        return ""
    return digits(slow / median)
