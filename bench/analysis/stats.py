"""Exact percentiles with intervals that assume no distribution, and effects paired within blocks. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A number with its doubt: None where the samples cannot carry the value, or no interval can be given."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def ranks(n: int, p: float, confidence: float = CONFIDENCE) -> tuple[int, int] | None:
    """Return the ranks (from 1) of the order statistics that enclose the p-quantile; None when n is too small.

    The number of samples below the quantile is Binomial(n, p), whatever the distribution, so X(low) <= q < X(high)
    holds with at least the given confidence (David & Nagaraja, Order Statistics, 7.1). Assumes independent samples:
    near saturation latencies are not, and the interval is then too narrow.
    """
    tail = (1 - confidence) / 2
    low = int(stats.binom.ppf(tail, n, p))
    high = int(stats.binom.ppf(1 - tail, n, p)) + 1
    return (low, high) if n and low >= 1 and high <= n else None


def percentile(samples: npt.ArrayLike, p: float) -> Estimate:
    """Return the p-quantile as an order statistic, with its 95 % interval; failures take part as +inf.

    Withheld (value None) when no interval of order statistics exists for so few samples: p50 needs 6, p95 72, p99 368.
    """
    values = np.sort(np.asarray(samples, dtype=np.float64))
    n = len(values)
    around = ranks(n, p)
    if around is None:
        return Estimate(None, None, None, n)
    low, high = around
    return Estimate(float(values[int(np.ceil(p * n)) - 1]), float(values[low - 1]), float(values[high - 1]), n)


def paired_ratio(over: Sequence[float], under: Sequence[float]) -> Estimate:
    """Return the geometric mean of the ratios per block, with the t interval of the mean log ratio.

    A block in which `over` is infinite (more failures than the percentile allows) makes the ratio infinite.
    """
    a, b = np.asarray(over, dtype=np.float64), np.asarray(under, dtype=np.float64)
    if not (np.isfinite(b).all() and (a > 0).all() and (b > 0).all()):
        return Estimate(None, None, None, len(a))
    logs = _mean(np.log(a / b))
    with np.errstate(over="ignore"):
        value, low, high = (None if edge is None else float(np.exp(edge)) for edge in logs)
    return Estimate(value, low, high, len(a))


def paired_difference(left: Sequence[float], right: Sequence[float]) -> Estimate:
    """Return the mean of the differences per block, with its t interval; infinite where `left` is."""
    a, b = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if not np.isfinite(b).all():
        return Estimate(None, None, None, len(a))
    value, low, high = _mean(a - b)
    return Estimate(value, low, high, len(a))


def _mean(values: Floats) -> tuple[float | None, float | None, float | None]:
    """Return mean, low and high of the t interval; a single or an infinite block leaves it without interval."""
    if len(values) == 0 or np.isnan(values).any():
        return None, None, None
    mean = float(values.mean())
    if len(values) == 1 or not np.isfinite(mean):
        return mean, None, None
    error = float(values.std(ddof=1)) / len(values) ** 0.5
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * error
    return mean, mean - half, mean + half
