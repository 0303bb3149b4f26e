"""Two capacities: brackets that do not overlap are a difference, when the gap is more than machine and noise. Pure.

Each bracket errs with the probability that the run states, 5 %; a wrong word needs one of them to err.
"""

from dataclasses import replace

import numpy as np

from bench.comparing.machine import Band
from bench.comparing.row import UNTOLD, Row
from bench.statistics.estimates import Estimate


def capacity_row(row: Row, band: Band | None, *, same_slo: bool) -> Row:
    """Return the row of a variant's capacity; `ratio` has the ends that both brackets leave."""
    was, now = row.base, row.new
    why = "" if same_slo else "the objectives differ"
    if not why and not ((was.low or was.high) and (now.low or now.high)):
        why = "too few requests for any rate"
    if why:
        return replace(row, why=why)
    ratio = Estimate(None, _quotient(now.low, was.high), _quotient(now.high, was.low), 0)
    return judge(replace(row, ratio=ratio, verdict=UNTOLD), band)


def judge(row: Row, band: Band | None) -> Row:
    """Give a capacity its verdict: the brackets must be further apart than the machine moved, and than the noise."""
    if band is None:
        return row
    low, high = row.ratio.low, row.ratio.high
    noise = np.log1p(row.floor)
    fewer = high is not None and np.log(high) < -max(band[1], noise)
    more = low is not None and np.log(low) > max(-band[0], noise)
    if fewer or more:
        return replace(row, verdict=row.word(2.0 if more else 0.5))
    apart = (high is not None and high < 1) or (low is not None and low > 1)
    return replace(row, why="the machine or the noise may have done it" if apart else "")


def _quotient(over: float | None, under: float | None) -> float | None:
    return over / under if over and under else None
