"""Two capacities: brackets that do not overlap are a difference, when the gap is more than machine and noise. Pure.

Each bracket errs with the probability that the run states, 5 %; a wrong word needs one of them to err.
"""

from dataclasses import replace

import numpy as np

from bench.comparing.blocks import NOTHING, PERCENTILES, PREDICTION
from bench.comparing.machine import Band
from bench.comparing.row import CAPACITY, UNTOLD, Row, widest
from bench.comparing.side import Side
from bench.statistics.estimates import Estimate

ANY_RATE = 0.0  # of no rate in particular, so the floor is the widest


def capacity_row(base: Side, new: Side, variant: str, band: Band | None) -> Row:
    """Return the row of a variant's capacity; `ratio` has the ends that both brackets leave."""
    was, now = (side.capacity.get(variant, NOTHING) for side in (base, new))
    floor = widest(side.blocks.floor(side.again, PREDICTION, PERCENTILES[0], ANY_RATE) for side in (base, new))
    why = "the objectives differ" if base.slo_ms != new.slo_ms else ""
    if not why and not ((was.low or was.high) and (now.low or now.high)):
        why = "too few requests for any rate"
    if why:
        return Row(variant, PREDICTION, CAPACITY, None, was, now, NOTHING, floor, why=why)
    ratio = Estimate(None, _quotient(now.low, was.high), _quotient(now.high, was.low), 0)
    row = Row(variant, PREDICTION, CAPACITY, None, was, now, ratio, floor, verdict=UNTOLD)
    return judge(row, band)


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
