"""Two runs, one value per block each: by how much the second is off the first, and how sure that is. Pure.

The runs are not paired: block 1 of one has nothing to do with block 1 of the other. So the two spreads are added
(Welch 1947), unlike within a run, where ratios are paired.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bench.statistics.estimates import CONFIDENCE, Estimate

NO_TEST = 1.0
NOTHING = Estimate(None, None, None, 0)
Band = tuple[float, float]  # of logarithms, with 0 in it


@dataclass(frozen=True)
class Effect:
    """Logarithm of new / base, its standard error, and Welch's degrees of freedom; blocks of the smaller run.

    `error` is None where there is no interval: a run has one block only, or no value varies, so nothing tells by how
    much it could.
    """

    shift: float
    error: float | None
    freedom: float
    blocks: int

    @property
    def ratio(self) -> Estimate:
        """Return new / base of the geometric means, with the 95 % interval."""
        if self.error is None:
            return Estimate(_exp(self.shift), None, None, self.blocks)
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, self.freedom)) * self.error
        return Estimate(_exp(self.shift), _exp(self.shift - half), _exp(self.shift + half), self.blocks)

    def p_outside(self, low: float, high: float) -> float:
        """Return the two-sided p-value of "the true logarithm lies within [low, high]"; 1 where it cannot be tested."""
        if self.error is None or not np.isfinite([low, high]).all():
            return NO_TEST
        above, below = (self.shift - high) / self.error, (low - self.shift) / self.error
        return min(NO_TEST, float(2 * stats.t.sf(max(above, below), self.freedom)))


def mean(values: Iterable[float]) -> Estimate:
    """Return the geometric mean of positive values, one per block."""
    known = [*values]
    return Estimate(float(stats.gmean(known)) if known else None, None, None, len(known))


def effect(base: Iterable[float], new: Iterable[float]) -> Effect | None:
    """Compare the blocks of two runs, positive values; None where a run has none."""
    logs = [np.log(np.fromiter(values, dtype=np.float64)) for values in (base, new)]
    sizes = [len(each) for each in logs]
    if not min(sizes):
        return None
    shift = float(logs[1].mean() - logs[0].mean())
    parts = [float(each.var(ddof=1)) / len(each) for each in logs] if min(sizes) > 1 else [0.0]
    if np.isclose(sum(parts), 0, atol=1e-18):
        return Effect(shift, None, 0.0, min(sizes))
    freedom = sum(parts) ** 2 / sum(part**2 / (n - 1) for part, n in zip(parts, sizes, strict=True))
    return Effect(shift, sum(parts) ** 0.5, freedom, min(sizes))


def from_intervals(base: Estimate, new: Estimate) -> Estimate:
    """Return new / base of two numbers that come with intervals of their own (MOVER: Zou & Donner 2008, on logs)."""
    edges = [base.value, base.low, base.high, new.value, new.low, new.high]
    known = [edge for edge in edges if edge is not None and 0 < edge < np.inf]
    if len(known) < len(edges):
        return Estimate(None, None, None, min(base.n, new.n))
    was, was_low, was_high, is_, is_low, is_high = np.log(known)
    shift = is_ - was
    down, up = np.hypot(is_ - is_low, was_high - was), np.hypot(is_high - is_, was - was_low)
    return Estimate(_exp(shift), _exp(shift - down), _exp(shift + up), min(base.n, new.n))


def of_ratio(ratio: Estimate, blocks: int) -> Effect | None:
    """Return the effect that a ratio with its interval tells, with the tails of so few blocks; None without interval.

    Half the interval on the logarithm is t times the standard error; the p-value is then below 0.05 when it excludes 1.
    """
    if ratio.value is None or ratio.low is None or ratio.high is None or blocks < 2:  # noqa: PLR2004
        return None
    error = float(np.log(ratio.high / ratio.low) / 2 / stats.t.ppf((1 + CONFIDENCE) / 2, blocks - 1))
    return Effect(float(np.log(ratio.value)), error or None, blocks - 1, blocks)


def _exp(value: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.exp(value))
