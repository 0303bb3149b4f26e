"""Capacity at a service-level objective: a bracket of offered rates with a stated probability of being wrong. Pure.

The objective: at most a share of requests (5 %) is slower than `slo_ms`; failures are slower than anything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from bench.statistics.estimates import Floats, effective_size

Verdict = Literal["pass", "fail", "undecided"]


@dataclass(frozen=True)
class Point:
    """One step: offered rate per second, how many of n requests were over the objective, and what n is worth.

    `grew`: the backlog grew until its end, so that a longer one would have missed any objective.
    """

    rate: float
    over: int
    n: int
    n_eff: float
    grew: bool = False


@dataclass(frozen=True)
class Judged:
    """A rate with its verdict; `fitted` is the share over the objective, smoothed to never fall with the rate."""

    point: Point
    fitted: float
    verdict: Verdict


@dataclass(frozen=True)
class Bracket:
    """The capacity lies within [low, high] unless a test erred, which happens with probability `error` at most.

    `low` is the highest rate that passed below every failure, `high` the lowest that failed; None where there is none.
    """

    low: float | None
    high: float | None
    error: float
    points: tuple[Judged, ...]


def measured(
    rate: float, response_ms: npt.ArrayLike, slo_ms: float, share: float = 0.05, *, grew: bool = False
) -> Point:
    """Return the point of one trial from its response times in the order of sending, failures being +inf.

    Worth the smaller of two effective sizes: that of the verdicts, which are what is counted, and that of "among the
    slowest `share`", which still tells how slow requests come in bursts when no verdict, or every one, is the same.
    """
    times = np.asarray(response_ms, dtype=np.float64)
    if not len(times):
        return Point(rate, 0, 0, 0.0, grew)
    over = times > slo_ms
    slowest = times >= np.quantile(times, 1 - share, method="inverted_cdf")
    return Point(rate, int(over.sum()), len(over), min(effective_size(over), effective_size(slowest)), grew)


def decide(over: int, n: int, n_eff: float, share: float, alpha: float) -> Verdict:
    """Say on which side of `share` the true share of slow requests lies, if that is sure; wrong with chance <= alpha.

    Two one-sided exact binomial tests, of which only one can err, on the counts scaled to `n_eff`. The scaled counts
    are no whole numbers, so the tails are those of the beta distribution, which continues the binomial (Korn & Graubard
    1998); for whole numbers they are scipy.stats.binomtest's.
    """
    if not n:
        return "undecided"
    size, slow = n_eff, over * n_eff / n
    as_few = special.betaincc(slow + 1, size - slow, share) if slow < size else 1.0
    as_many = special.betainc(slow, size - slow + 1, share) if slow else 1.0
    if as_few <= alpha:
        return "pass"
    return "fail" if as_many <= alpha else "undecided"


def bracket(points: Iterable[Point], share: float = 0.05, error: float = 0.05) -> Bracket:
    """Return where the capacity lies. Points of the same rate are trials of it, taken together.

    Each rate is judged at error / number of rates (Bonferroni), so all verdicts hold together but for `error`, and with
    them the bracket: more load never makes requests faster. A rate whose backlog grew in half of its trials fails. The
    fit is for the eye and decides nothing.
    """
    by_rate = [_together(list(same)) for _, same in groupby(sorted(points, key=_rate), key=_rate)]
    alpha = error / max(1, len(by_rate))
    verdicts = [judge(point, share, alpha) for point in by_rate]
    fails = [point.rate for point, verdict in zip(by_rate, verdicts, strict=True) if verdict == "fail"]
    high = min(fails, default=None)
    passes = [point.rate for point, verdict in zip(by_rate, verdicts, strict=True) if verdict == "pass"]
    low = max((rate for rate in passes if high is None or rate < high), default=None)
    judged = zip(by_rate, fitted(by_rate).tolist(), verdicts, strict=True)
    return Bracket(low, high, error, tuple(Judged(*each) for each in judged))


def judge(point: Point, share: float, alpha: float) -> Verdict:
    """Judge one rate. A step whose backlog grew does not pass: it was only too short to miss the objective."""
    if point.grew:
        return "fail"
    return decide(point.over, point.n, point.n_eff, share, alpha)


def fitted(points: Sequence[Point]) -> Floats:
    """Return the share over the objective by point, in the order of rates, as the nearest curve that never falls."""
    if not points:
        return np.empty(0)
    shares = [point.over / point.n if point.n else 0.0 for point in points]
    weights = [max(point.n_eff, 1e-9) for point in points]
    return np.asarray(optimize.isotonic_regression(shares, weights=weights).x, dtype=np.float64)


def _rate(point: Point) -> float:
    return point.rate


def _together(points: Sequence[Point]) -> Point:
    over, n = sum(point.over for point in points), sum(point.n for point in points)
    grew = 2 * sum(point.grew for point in points) >= len(points)
    return Point(points[0].rate, over, n, sum(point.n_eff for point in points), grew)
