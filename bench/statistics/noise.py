"""What equal systems differ by: the noise floor of an A/A arm, and which effects stand out of it. Pure functions."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from bench.statistics.estimates import CONFIDENCE, Estimate, Floats


def half_width(estimate: Estimate) -> float:
    """Return the relative half width of a ratio's interval, e.g. 0.04 for +-4 %; infinite where there is no interval.

    Symmetric in the logarithm, as the interval is: B/A and A/B have the same.
    """
    if estimate.low is None or estimate.high is None or not 0 < estimate.low <= estimate.high < np.inf:
        return float("inf")
    return float(np.expm1(np.log(estimate.high / estimate.low) / 2))


def bar(floor: Estimate) -> float:
    """Return what the logarithm of a ratio must exceed to be more than noise.

    The half width of the interval of two equal systems; its far end where the two happen to differ.
    """
    width = half_width(floor)
    if floor.low is None or floor.high is None or not np.isfinite(width) or floor.low <= 1 <= floor.high:
        return float(np.log1p(width))
    return float(max(abs(np.log(floor.low)), abs(np.log(floor.high))))


def claim(estimate: Estimate, floor: Estimate) -> bool:
    """Whether a ratio may be called an effect: its interval excludes 1 and it is larger than the noise floor."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return False
    certain = estimate.low > 1 or estimate.high < 1
    return certain and bool(abs(np.log(estimate.value)) > bar(floor))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values in the order given, adjusted so that the chance of any error at all is kept (Holm 1979)."""
    ordered = np.argsort(p_values)
    steps = np.asarray(p_values, dtype=np.float64)[ordered] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[ordered] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(value) for value in adjusted]


def order_effect(response_ms: npt.ArrayLike, position: npt.ArrayLike) -> Estimate:
    """Return by how much the log response changes per position within a block, with its t interval: 0, but for noise.

    Both arrays have a row per block and a column per variant. Least squares with a level for every block and variant
    (analysis of covariance), so neither a slow hour nor a slow variant counts as an effect of the order. Withheld
    where every variant keeps its position, or too few blocks are left to tell.
    """
    times, places = np.asarray(response_ms, dtype=np.float64), np.asarray(position, dtype=np.float64)
    blocks, variants = times.shape
    freedom = (blocks - 1) * (variants - 1) - 1
    if freedom < 1 or not (np.isfinite(times).all() and (times > 0).all()):
        return Estimate(None, None, None, blocks)
    logs, place = _centred(np.log(times)), _centred(places)
    spread = float((place**2).sum())
    if np.isclose(spread, 0):
        return Estimate(None, None, None, blocks)
    slope = float((place * logs).sum()) / spread
    error = (float(((logs - slope * place) ** 2).sum()) / freedom / spread) ** 0.5
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    return Estimate(slope, slope - half, slope + half, blocks)


def canary_deviation(canary_ms: float, session_ms: npt.ArrayLike) -> float:
    """Return how far a trial's canary is from the session's median: 1.0 for twice as slow, and for twice as fast."""
    factor = canary_ms / float(np.median(np.asarray(session_ms, dtype=np.float64)))
    return max(factor, 1 / factor) - 1


def _centred(table: Floats) -> Floats:
    """Take out the level of every row and every column."""
    centred: Floats = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
    return centred
