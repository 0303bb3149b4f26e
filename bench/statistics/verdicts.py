"""The verdict on a promise: an estimate held against a limit. Pure."""

import math

from bench.statistics.estimates import Estimate
from runfile.facts import Judgement


def verdict_of(estimate: Estimate, limit: float, *, verdicts: bool) -> tuple[Judgement, str]:
    """Return the verdict on "at most the limit", and why. A claim needs an interval on one side of it as a whole."""
    if estimate.value is None:
        return "withheld", "not measured on both sides in the same block"
    if not verdicts:
        return "withheld", "this profile is too short for verdicts"
    if math.isinf(estimate.value) and estimate.value > 0:
        return "missed", "infinite: too many requests failed for this percentile"
    if estimate.low is None or estimate.high is None:
        return "withheld", "a single block gives no interval"
    if estimate.low <= limit < estimate.high:
        return "withheld", f"the interval over {estimate.n} blocks spans the limit; more blocks would narrow it"
    return ("met", "") if estimate.high <= limit else ("missed", "the whole interval lies above the limit")
