"""What all figures share: bare axes, plain numbers on a log axis, lanes for what has no number, one legend on top."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.drawing.palette import BAND, FAINT, INK, look
from reports.drawing.svg import label

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

    from reports.drawing.palette import Look

GRID = "#d9dee3"
WIDTH = 8.0
LEFT, RIGHT = 0.8, 0.3  # inches
NARROW_DECADES = 2.3
LABEL_DROP = 0.38  # inches below the axis
MARKER, EDGE = 6.5, 0.6  # points
LONG_LABEL = 21  # letters, of which three beside each other fill the width
LANE = 0.22  # inches
ASIDE = 0.1  # inches between the markers of two variants at the same rate
NEAR = 0.93  # a tick nearer to the lanes would touch their names


def add(figure: Figure, bottom: float, height: float, left: float = LEFT) -> Axes:
    """Axes at a height in inches from the bottom, with nothing but a faint frame."""
    total = float(figure.get_figheight())
    axes = figure.add_axes((left / WIDTH, bottom / total, (WIDTH - left - RIGHT) / WIDTH, height / total))
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(axis="both", which="both", length=0, pad=9, colors=INK)
    axes.set_axisbelow(True)
    return axes


def log_ms(axes: Axes, values: Iterable[float]) -> tuple[float, float]:
    """Set a log axis of milliseconds across, around these values, with room at the right for what never ended."""
    finite = positive(values) or [1.0, 10.0]
    low, high = min(finite) / 1.25, max(finite) * 1.6
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    plain_log(axes.xaxis, low, high)
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    return low, high


def positive(values: Iterable[float]) -> list[float]:
    """Return the values that a log axis can show."""
    return [value for value in values if math.isfinite(value) and value > 0]


def plain_log(axis: Axis, low: float, high: float) -> None:
    """Put plain numbers on a log axis that shows this range, as many as there is room for."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    narrow = math.log10(high / low) < NARROW_DECADES
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_locator(NullLocator())


def say(axes: Axes, word: str, across: float, up: float, points: float) -> None:
    """Put a word beside a marker, this many points to its right."""
    side = "left" if points > 0 else "right"
    note = axes.annotate(word, (across, up), (points, 0), textcoords="offset points", fontsize=8, color=INK)
    note.set(ha=side, va="center_baseline")


def name_across(axes: Axes, words: str) -> None:
    """Name the horizontal axis, at a place of ours: to find its own, matplotlib would lay out all ticks twice."""
    axes.set_xlabel(words, color=FAINT)
    axes.xaxis.set_label_coords(0.5, -LABEL_DROP / (axes.bbox.height / axes.figure.dpi))


def legend_height(keys: list[Artist]) -> float:
    """Return the inches that the legend takes, with the air below it."""
    return 0.14 + 0.24 * -(-len(keys) // _columns(keys))


def _columns(keys: list[Artist]) -> int:
    """Return how many legend entries fit beside each other."""
    return 3 if max(len(str(key.get_label())) for key in keys) <= LONG_LABEL else 2


def variant_keys(titles: Iterable[str], *, dashes: bool = True) -> list[Artist]:
    """One legend entry per variant: colour, marker and dash as in every figure."""
    from matplotlib.lines import Line2D

    keys: list[Artist] = []
    for index, title in enumerate(titles):
        style = look(index)
        key = Line2D([], [], color=style.colour, linestyle=style.dash if dashes else "", label=label(title))
        key.set(marker=style.marker, markersize=MARKER, markeredgecolor=INK, markeredgewidth=EDGE)
        keys.append(key)
    return keys


def head(axes: Axes, words: str) -> None:
    """Put a heading over a panel."""
    axes.set_title(words, loc="left", fontsize=10.5, fontweight="bold", color=INK, pad=6, y=1)


def upwards(axes: Axes, height: float, bounds: tuple[float, float], words: Sequence[str]) -> dict[str, float]:
    """Set a log axis upwards within these bounds, this many inches high, and above it a lane for each of these words.

    Returns the height of each lane.
    """
    low, high = bounds
    inch = (high / low) ** (1 / height)
    top = high * inch ** (LANE * len(words))
    lanes = {word: high * inch ** (LANE * (place + 0.5)) for place, word in enumerate(words)}
    axes.set_yscale("log")
    axes.set_ylim(low, top)
    plain_log(axes.yaxis, low, high)
    reach = high * NEAR if words else high
    ticks = [float(tick) for tick in axes.yaxis.get_majorticklocs() if low <= tick <= reach]
    axes.set_yticks([*ticks, *lanes.values()], [*(f"{tick:,g}" for tick in ticks), *lanes])
    axes.axhspan(high, top, color=BAND, zorder=0, linewidth=0)
    return lanes


def mark(axes: Axes, across: Sequence[float], up: Sequence[float], style: Look, fill: str = "") -> None:
    """Put the marker of a variant at these points, hollow where `fill` is white. The dark edge gives it contrast."""
    (points,) = axes.plot(across, up, linestyle="", marker=style.marker, color=fill or style.colour)
    points.set(markersize=MARKER, markeredgecolor=INK, markeredgewidth=EDGE, clip_on=False, zorder=3)


def legend(figure: Figure, keys: list[Artist]) -> None:
    """Put the legend, left-aligned at the top."""
    left, top = LEFT / WIDTH, 1 - 0.05 / float(figure.get_figheight())
    # matplotlib fills columns first; readers go along the lines.
    columns = _columns(keys)
    ordered = [key for column in range(columns) for key in keys[column::columns]]
    figure.legend(
        handles=ordered,
        loc="upper left",
        bbox_to_anchor=(left, top),
        ncols=columns,
        frameon=False,
        borderaxespad=0,
        borderpad=0,
        handlelength=2.4,
        columnspacing=1.6,
        labelcolor=INK,
    )


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
        decades = math.log10(self.high / self.low) / (WIDTH - LEFT - RIGHT)
        return (rate or math.nan) * 10 ** (decades * self.aside * (index - (self.variants - 1) / 2))

    def draw(self, axes: Axes, *, last: bool) -> None:
        """Put the axis below a panel; only the last one names it."""
        axes.set_xscale("log")
        axes.set_xlim(self.low, self.high)
        plain_log(axes.xaxis, self.low, self.high)
        axes.grid(axis="both", color=GRID, linewidth=0.7)
        axes.tick_params(labelbottom=last)
        if last:
            name_across(axes, "offered predictions per second, log scale")
