"""The horizontal axis of offered rates that several panels share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.drawing import axes as parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

ASIDE = 0.1  # inches between the markers of two variants at the same rate


@dataclass(frozen=True)
class Across:
    """The horizontal axis that all panels share, in offered predictions per second, for this many variants."""

    low: float
    high: float
    variants: int
    aside: float = ASIDE

    @classmethod
    def around(cls, rates: Sequence[float], variants: int) -> Across:
        """Return an axis with some air around these rates."""
        return cls(min(rates) / 1.2, max(rates) * 1.2, variants)

    def place(self, rate: float | None, index: int) -> float:
        """Return where a variant's marker stands: beside those of the others, or they would hide each other."""
        decades = math.log10(self.high / self.low) / (parts.WIDTH - parts.LEFT - parts.RIGHT)
        return (rate or math.nan) * 10 ** (decades * self.aside * (index - (self.variants - 1) / 2))

    def draw(self, axes: Axes, *, last: bool) -> None:
        """Put the axis below a panel; only the last one names it."""
        axes.set_xscale("log")
        axes.set_xlim(self.low, self.high)
        parts.plain_log(axes.xaxis, self.low, self.high)
        axes.grid(axis="both", color=parts.GRID, linewidth=0.7)
        axes.tick_params(labelbottom=last)
        if last:
            parts.name_across(axes, "offered predictions per second, log scale")
