"""Exact percentiles with intervals that assume no distribution, and effects paired within blocks. Pure functions.

Requests of one trial depend on each other, the more the busier the system: its levels use the effective number of
samples. Comparisons never look at requests at all; their unit is the trial, paired within a block.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import signal, stats

Floats = npt.NDArray[np.float64]
CONFIDENCE = 0.95
TELLING = 30  # of fewer samples in a trial a correlation cannot be told from chance


@dataclass(frozen=True)
class Estimate:
    """A number with its doubt: None where the samples cannot carry the value, or no interval can be given."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def finite(value: float | None) -> float | None:
    """Return what JSON can hold: what is infinite, or no number, is told in words."""
    return value if value is not None and np.isfinite(value) else None


@cache  # the same few n and p come again for every trial, and scipy takes a millisecond
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


def percentile(samples: npt.ArrayLike, p: float, effective: float | None = None) -> Estimate:
    """Return the p-quantile as an order statistic, with its 95 % interval; failures take part as +inf.

    The interval is the one for `effective` independent samples (all of them, unless given), stretched to the ranks of
    the samples there are (Woodruff 1952). Withheld (value None) when no interval of order statistics exists for so
    few: p50 needs 6, p95 72, p99 368.
    """
    values = np.sort(np.asarray(samples, dtype=np.float64))
    n = len(values)
    independent = n if effective is None else min(n, int(effective))
    around = ranks(independent, p)
    if around is None:
        return Estimate(None, None, None, n)
    low, high = around[0] * n // independent, -(-around[1] * n // independent)
    return Estimate(float(values[int(np.ceil(p * n)) - 1]), float(values[low - 1]), float(values[high - 1]), n)


def percentile_of_trials(trials: Sequence[npt.ArrayLike], p: float) -> Estimate:
    """Return the p-quantile of several trials together; its interval allows for autocorrelation within each.

    Samples in the order of sending. The effective number of a trial's samples is that of the indicator "at least the
    trial's quantile", which is what the interval counts. Chosen over a moving-block bootstrap: it needs no seed,
    withholds what so few cannot carry, and covers the truth more often (simulated p95 of 600 AR(1) samples, rho 0.9:
    92 % against 82 %).
    """
    together = [np.asarray(trial, dtype=np.float64) for trial in trials]
    pooled = np.concatenate([*together, np.empty(0)])
    return percentile(pooled, p, sum(_effective(trial, p) for trial in together if len(trial)))


def _effective(trial: Floats, p: float) -> float:
    if len(trial) < TELLING:
        return len(trial)
    return effective_size(trial >= np.quantile(trial, p, method="inverted_cdf"))


def effective_size(in_order: npt.ArrayLike) -> float:
    """Return how many independent samples carry as much as these, given in time order: n / (1 + 2 sum of rho_k).

    Between 1 and n. The autocorrelations rho_k are those of the ranks, so that +inf can take part; they are summed in
    pairs while the pairs stay positive (Geyer 1992, initial positive sequence). Constant samples are worth n.
    """
    values = np.asarray(in_order, dtype=np.float64)
    n = len(values)
    centred = stats.rankdata(values) - (n + 1) / 2
    if not centred.any():
        return float(n)
    products = signal.correlate(centred, centred, method="fft")[n - 1 :]
    pairs = (products[: n - n % 2] / products[0]).reshape(-1, 2).sum(axis=1)
    total = float((pairs * np.cumprod(pairs > 0)).sum())  # rho_0 = 1 is the first of them
    return max(1.0, n / max(1.0, 2 * total - 1))


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


def mean(values: Sequence[float]) -> Estimate:
    """Return the mean of one value per block with its t interval; a single block has none."""
    return Estimate(*_mean(np.asarray(values, dtype=np.float64)), len(values))


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
