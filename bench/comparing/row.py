"""One row of the comparison, its verdict, and what its words mean."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bench.comparing.welch import Band, Effect
from bench.statistics.estimates import CONFIDENCE, Estimate
from bench.statistics.noise import holm

Verdict = Literal["slower", "faster", "no difference told", "not comparable"]
UNTOLD: Verdict = "no difference told"
GOODPUT, CAPACITY = "goodput_share", "capacity"
NEAR = 0.05  # rates that differ by no more are nearly the same
MORE_IS_BETTER = (GOODPUT, CAPACITY, "goodput", "throughput", "share_of_bare")


@dataclass(frozen=True)
class Row:
    """BASE and NEW of one metric: ms, a share, or something per second; capacities as brackets.

    `ratio` is NEW / BASE; `floor` the larger noise floor of both runs, e.g. 0.04, infinite where none was measured, 0
    where there can be none; `p` belongs to "no more than the machine did". `why` says what is missing where nothing is
    told.
    """

    variant: str
    case: str
    metric: str
    rates: tuple[float, float] | None
    base: Estimate
    new: Estimate
    ratio: Estimate
    floor: float
    p: float = 1.0
    verdict: Verdict = "not comparable"
    why: str = ""

    @property
    def more_is_better(self) -> bool:
        """Whether a ratio above 1 is good news: for goodput and capacity, not for times."""
        return self.metric in MORE_IS_BETTER

    def word(self, ratio: float) -> Verdict:
        """Return the word for a ratio that is surely not 1; "slower" is always the bad news."""
        return "faster" if (ratio > 1) == self.more_is_better else "slower"

    def tested(self, found: Effect, band: Band | None, factor: float) -> "Row":
        """Return it with its p-value, where the machine moves it so many times as much as a time at rest."""
        if band is None:
            return self
        low, high = (edge * factor if edge else 0.0 for edge in band)
        return replace(self, p=found.p_outside(-high, -low) if self.more_is_better else found.p_outside(low, high))


def nearly(rate: float, other: float) -> bool:
    """Whether two offered rates may be compared."""
    return abs(rate - other) <= NEAR * max(rate, other)


def widest(floors: Iterable[float]) -> float:
    """Return the larger of the noise floors that were measured; infinite where none was."""
    return max((floor for floor in floors if np.isfinite(floor)), default=float("inf"))


def judged(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of a table with their verdicts."""
    return [judge(row, p) for row, p in zip(rows, holm([row.p for row in rows]), strict=True)]


def judge(row: Row, p: float) -> Row:
    """Give a row its verdict, or say why there is none, unless that was said; `p` is adjusted for all rows."""
    value, low, high = row.ratio.value, row.ratio.low, row.ratio.high
    if value is None or row.why:
        return row
    if low is None or high is None:
        why = "the same in every block" if value == 1 else "no interval: one block, or no spread between blocks"
    elif low <= 1 <= high:
        why = ""  # the interval in the table says it
    elif abs(np.log(value)) <= np.log1p(row.floor):
        why = "within the noise floor"
    elif row.p > 1 - CONFIDENCE:
        why = "the machine may have done it"
    elif p > 1 - CONFIDENCE:
        why = "chance may have done it, among so many rows"
    else:
        return replace(row, verdict=row.word(value))
    return replace(row, verdict=UNTOLD, why=why)
