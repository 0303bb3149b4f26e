"""Whether a step of the load settled, and whether its bookkeeping adds up. Pure functions of request times.

Times are seconds on one clock, one entry per request; a request that was never answered is done at NaN or +inf.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from bench.statistics.estimates import Floats

SLOTS = 12  # long enough each to hardly depend on the one before, enough of them for a slope
CERTAINTY = 0.99  # of a growing queue: a sweep has dozens of steps, and an honest one should rarely be withheld


@dataclass(frozen=True)
class Steadiness:
    """How the number of requests in flight moved within a window.

    `slope_per_s` and `margin_per_s` (half the 99 % interval below it) are requests per second; `index` is the fitted
    number at the end over the mean: 1 when level, 2 when it grew from nothing.
    """

    slope_per_s: float
    margin_per_s: float
    index: float
    label: Literal["steady", "saturated"]


def steadiness(
    intended_s: npt.ArrayLike, done_s: npt.ArrayLike, start_s: float, end_s: float, most: float
) -> Steadiness:
    """Label a step: saturated when the number in flight surely grew, and by enough that its index exceeds `most`.

    Both are needed: chance alone moves the index of a short window, and a drift too small to matter can be certain.
    MSER-5 was tried: of windows of 10 to 20 s on an honest M/D/1 server it drops more than half in every fourth.
    """
    intended, done = _times(intended_s, done_s)
    edges = np.linspace(start_s, end_s, SLOTS + 1)
    counts = in_flight(intended, done, edges)
    line = stats.linregress((edges[1:] + edges[:-1]) / 2, counts)
    margin = float(stats.t.ppf(CERTAINTY, SLOTS - 2) * line.stderr)
    slope, mean = float(line.slope), float(counts.mean())
    index = 1 + slope * (end_s - start_s) / 2 / mean if mean else 1.0
    return Steadiness(slope, margin, index, "saturated" if slope > margin and index > most else "steady")


def in_flight(intended_s: npt.ArrayLike, done_s: npt.ArrayLike, edges_s: npt.ArrayLike) -> Floats:
    """Return the mean number of requests in flight within each slot between two edges; waiting to be sent counts."""
    intended, done = _times(intended_s, done_s)
    edges = np.asarray(edges_s, dtype=np.float64)
    until = np.array([np.clip(edge - intended, 0, None).sum() - np.clip(edge - done, 0, None).sum() for edge in edges])
    return np.diff(until) / np.diff(edges)


def little(
    intended_s: npt.ArrayLike, done_s: npt.ArrayLike, start_s: float, end_s: float, scheduled: int
) -> float | None:
    """Return |L - lambda W| / L within a window (Little's law): 0 but for rounding when the books are right.

    The two sides share as little as they can: L is the area under the count that the sorted starts and ends give;
    lambda is what the schedule holds in the window (`scheduled`), W the mean wait of the answered requests, cut at the
    window's end. So a request that is counted twice, lost, without an end, or done before it began moves one side only.
    A request that was given up is done when it was. None where nothing was in flight.
    """
    intended, done = np.asarray(intended_s, dtype=np.float64), np.asarray(done_s, dtype=np.float64)
    inside = (intended >= start_s) & (intended < end_s)
    intended, done = intended[inside], done[inside]
    waits = np.clip(np.minimum(done, end_s) - intended, 0, None)[np.isfinite(done)]
    area = _area(intended, done, end_s)
    if not len(waits) or not area:
        return None
    return abs(area - scheduled * float(waits.mean())) / abs(area)


def _area(intended: Floats, done: Floats, end_s: float) -> float:
    """Return the requests in flight, summed over time until the end of the window."""
    times = np.concatenate([intended, done[done < end_s], [end_s]])
    steps = np.concatenate([np.ones(len(intended)), -np.ones(int((done < end_s).sum())), [0.0]])
    order = np.argsort(times, kind="stable")
    return float((np.cumsum(steps[order])[:-1] * np.diff(times[order])).sum())


def _times(intended_s: npt.ArrayLike, done_s: npt.ArrayLike) -> tuple[Floats, Floats]:
    done = np.asarray(done_s, dtype=np.float64)
    return np.asarray(intended_s, dtype=np.float64), np.where(np.isnan(done), np.inf, done)
