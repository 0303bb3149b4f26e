"""What all panels share: bare axes, plain numbers on a log axis, lanes for what has no number, markers."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from reports.drawing.library import Axes, Axis, Figure, FuncFormatter, LogLocator, NullLocator
from reports.drawing.palette import BAND, FAINT, INK, Look

GRID = "#d9dee3"
WIDTH = 8.0
LEFT, RIGHT = 0.8, 0.3  # inches
NARROW_DECADES = 2.3
MARKER, EDGE = 6.5, 0.6  # points
LANE = 0.22  # inches
ASIDE = 0.1  # inches between the markers of two variants at the same rate
AIR = 1.25, 1.6  # factors below and above times across, with room at the right for what never ended
LEAST = 1e-9  # what is smaller is nothing, in any unit, and has no place on a log axis
NEAR = 0.93  # a tick nearer to the lanes would touch their names


def add(figure: Figure, bottom: float, height: float, left: float) -> Axes:
    """Axes at a height in inches from the bottom, with nothing but a faint frame."""
    total = float(figure.get_figheight())
    axes = figure.add_axes((left / WIDTH, bottom / total, (WIDTH - left - RIGHT) / WIDTH, height / total))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(axis="both", which="both", length=0, pad=9, colors=INK)
    axes.set_axisbelow(True)
    return axes


def bounds(values: Iterable[float], below: float, above: float) -> tuple[float, float]:
    """Return bounds of a log axis around the values that it can show, by these factors of air."""
    shown = [value for value in values if math.isfinite(value) and value > LEAST] or [1.0, 10.0]
    return min(shown) / below, max(shown) * above


def log_across(axes: Axes, ends: tuple[float, float], grid: Literal["x", "both"] = "x") -> None:
    """Set a log axis across within these bounds."""
    axes.set_xscale("log")
    axes.set_xlim(ends)
    plain_log(axes.xaxis, *ends)
    axes.grid(axis=grid, color=GRID, linewidth=0.7)


def plain_log(axis: Axis, low: float, high: float) -> None:
    """Put plain numbers on a log axis that shows this range, as many as there is room for."""
    narrow = math.log10(high / low) < NARROW_DECADES
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_locator(NullLocator())


def say(axes: Axes, word: str, place: tuple[float, float], points: tuple[float, float]) -> None:
    """Put a word beside a place, this many points to its right and above it."""
    note = axes.annotate(word, place, points, textcoords="offset points", fontsize=8, color=INK)
    note.set(ha="left" if points[0] > 0 else "right", va="bottom" if points[1] else "center_baseline")


def upwards(
    axes: Axes, height: float, ends: tuple[float, float], above: Sequence[str], below: Sequence[str] = ()
) -> dict[str, float]:
    """Set a log axis upwards within these bounds, this many inches high, with a lane above or below it for each word.

    Returns the height of each lane.
    """
    low, high = ends
    lane = (high / low) ** (LANE / height)
    lanes = {word: high * lane ** (place + 0.5) for place, word in enumerate(above)}
    lanes |= {word: low / lane ** (place + 0.5) for place, word in enumerate(below)}
    bottom, top = low / lane ** len(below), high * lane ** len(above)
    axes.set_yscale("log")
    axes.set_ylim(bottom, top)
    plain_log(axes.yaxis, low, high)
    least, most = low / NEAR if below else low, high * NEAR if above else high
    ticks = [float(tick) for tick in axes.yaxis.get_majorticklocs() if least <= tick <= most]
    axes.set_yticks([*ticks, *lanes.values()], [*(f"{tick:,g}" for tick in ticks), *lanes])
    axes.axhspan(high, top, color=BAND, zorder=0, linewidth=0)
    axes.axhspan(bottom, low, color=BAND, zorder=0, linewidth=0)
    return lanes


def mark(axes: Axes, across: Sequence[float], up: Sequence[float], style: Look, fill: str = "") -> None:
    """Put the marker of a variant at these points, hollow where `fill` is white. The dark edge gives it contrast."""
    (points,) = axes.plot(across, up, linestyle="", marker=style.marker, color=fill or style.colour)
    points.set(markersize=MARKER, markeredgecolor=INK, markeredgewidth=EDGE, clip_on=False, zorder=3)


@dataclass(frozen=True)
class Across:
    """The horizontal axis that all panels share, in offered predictions per second, for this many variants."""

    ends: tuple[float, float]
    variants: int
    aside: float = ASIDE

    def place(self, rate: float | None, index: int) -> float:
        """Return where a variant's marker stands: beside those of the others, or they would hide each other."""
        low, high = self.ends
        decades = math.log10(high / low) / (WIDTH - LEFT - RIGHT)
        return (rate or math.nan) * 10 ** (decades * self.aside * (index - (self.variants - 1) / 2))
