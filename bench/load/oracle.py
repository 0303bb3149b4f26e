"""What the server with known answers must answer when: worked out from the arrivals alone. Pure functions.

It shares no code with the server, and thinks in windows where that thinks in periods, so that a slip in one shows.
"""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Window = tuple[float, float]


def responses(arrivals_s: npt.ArrayLike, service_s: float, stalls: Sequence[Window] = ()) -> Floats:
    """Return the response time of every arrival, in seconds: waiting and service.

    Lindley's recursion for one server, first in first out: a request starts when it has arrived and the one before it
    is done. A start that falls into a stall, given as (begin, end), is moved to its end; what began before a stall is
    finished in it. Arrivals and stalls must be in order, and stalls must not overlap.
    """
    arrivals = np.asarray(arrivals_s, dtype=np.float64)
    begins = [begin for begin, _ in stalls]
    done = np.empty_like(arrivals)
    free = -np.inf
    for number, arrival in enumerate(arrivals.tolist()):
        start = max(arrival, free)
        before = bisect_right(begins, start) - 1
        if before >= 0:
            start = max(start, stalls[before][1])
        free = start + service_s
        done[number] = free
    return done - arrivals


def windows(first_s: float, length_s: float, every_s: float, until_s: float) -> list[Window]:
    """Return the stalls as (begin, end) that begin before a time."""
    return [(float(begin), float(begin + length_s)) for begin in np.arange(first_s, until_s, every_s)]


def mean_wait_md1(rho: float, service_s: float) -> float:
    """Return the mean wait of an M/D/1 queue in seconds: rho * s / (2 * (1 - rho)), by Pollaczek and Khinchine.

    Poisson arrivals, a fixed service time s, one server, `rho` of whose time is used. For endless time: a run of half a
    minute comes out up to tens of percent away, which is why `responses` is what a generator is judged by.
    """
    if not 0 <= rho < 1:
        raise ValueError(f"a queue with {rho:.0%} of its server's time used has no mean wait")
    return rho * service_s / (2 * (1 - rho))
