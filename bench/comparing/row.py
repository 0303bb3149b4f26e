"""One row of the comparison, and what its words mean."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.comparing.blocks import GOODPUT
from bench.statistics.estimates import Estimate

Verdict = Literal["slower", "faster", "no difference told", "not comparable"]
UNTOLD: Verdict = "no difference told"
CAPACITY = "capacity"


@dataclass(frozen=True)
class Row:
    """BASE and NEW of one metric: ms, a share of what was offered, or predictions per second; capacities as brackets.

    `ratio` is NEW / BASE; `floor` the larger noise floor of both runs, e.g. 0.04, infinite where none was measured; `p`
    belongs to "no more than the machine did". `why` says what is missing where nothing is told.
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
        return self.metric in (GOODPUT, CAPACITY)

    def word(self, ratio: float) -> Verdict:
        """Return the word for a ratio that is surely not 1; "slower" is always the bad news."""
        return "faster" if (ratio > 1) == self.more_is_better else "slower"


def widest(floors: Iterable[float]) -> float:
    """Return the larger of the noise floors that were measured; infinite where none was."""
    return max((floor for floor in floors if np.isfinite(floor)), default=float("inf"))
