"""Capacity at a service-level objective: a bracket of offered rates with a stated probability of being wrong. Pure.

The objective: at most a share of requests (5 %) is slower than `slo_ms`; failures are slower than anything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from bench.statistics.estimates import effective_size

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
    """A rate with its verdict."""

    point: Point
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
    them the bracket: more load never makes requests faster. A rate whose backlog grew in half of its trials fails.
    """
    by_rate: dict[float, list[Point]] = {}
    for point in sorted(points, key=lambda point: point.rate):
        by_rate.setdefault(point.rate, []).append(point)
    alpha = error / max(1, len(by_rate))
    judged = [Judged(point, judge(point, share, alpha)) for point in map(_together, by_rate.values())]
    high = min((each.point.rate for each in judged if each.verdict == "fail"), default=None)
    passes = [each.point.rate for each in judged if each.verdict == "pass"]
    low = max((rate for rate in passes if high is None or rate < high), default=None)
    return Bracket(low, high, error, tuple(judged))


def judge(point: Point, share: float, alpha: float) -> Verdict:
    """Judge one rate. A step whose backlog grew does not pass: it was only too short to miss the objective."""
    if point.grew:
        return "fail"
    return decide(point.over, point.n, point.n_eff, share, alpha)


def _together(points: Sequence[Point]) -> Point:
    over, n = sum(point.over for point in points), sum(point.n for point in points)
    grew = 2 * sum(point.grew for point in points) >= len(points)
    return Point(points[0].rate, over, n, sum(point.n_eff for point in points), grew)
