"""The third figure: response time of a prediction by percentile, the slow tail drawn out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reports.drawing import axes as parts
from reports.drawing.palette import INK, look
from reports.drawing.svg import drawing
from reports.reading.results import PREDICTION
from reports.reading.view import PERCENTILES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reports.drawing.palette import Look
    from reports.reading.samples import Curve
    from reports.reading.view import View
    from runfile.facts import Latency

HEIGHT, AXIS = 3.2, 0.52  # inches
TICKS = (0.5, 0.9, 0.95, 0.99, 0.999, 0.9999)
TEXT = "One line per variant: percentile upwards, response time in milliseconds to the right on a log axis."


def draw(view: View[Latency]) -> str:
    """Draw the figure as SVG. A line ends where failures begin, or where too few requests lie above."""
    keys = parts.variant_keys(view.titles.values())
    height = AXIS + HEIGHT + parts.legend_height(keys)

    def paint(figure: Figure) -> None:
        _lines(view, parts.add(figure, AXIS, HEIGHT))
        parts.legend(figure, keys)

    return drawing("curve", "Response time by percentile, the tail drawn out", TEXT, (parts.WIDTH, height), paint)


def _lines(view: View[Latency], axes: Axes) -> None:
    _, edge = parts.log_ms(axes, [value for curve in view.curves for value in curve.ms])
    top = max(_nines(curve.shares[-1]) for curve in view.curves)
    ticks = [share for share in TICKS if _nines(share) <= top + 0.05]
    axes.set_ylim(0, top + 0.12)
    axes.set_yticks([0, *map(_nines, ticks)], ["fastest", *(f"p{share * 100:g}" for share in ticks)])
    parts.name_across(axes, "response time in ms, log scale")
    axes.grid(axis="y", color=parts.GRID, linewidth=0.7)
    for curve in view.curves:
        index = view.variants.index(curve.variant)
        _line(axes, curve, look(index), edge)
        across, up = _marks(view, curve)
        parts.mark(axes, across, up, look(index))


def _line(axes: Axes, curve: Curve, style: Look, edge: float) -> None:
    points = [(ms, _nines(share)) for share, ms in zip(curve.shares, curve.ms, strict=True) if math.isfinite(ms)]
    if points:
        across, up = zip(*points, strict=True)
        axes.plot(across, up, color=style.colour, linestyle=style.dash, linewidth=1.8)
    if len(points) < len(curve.shares):
        place = (edge, points[-1][1] if points else 0)
        note = axes.annotate("fails from here up", place, (0, 4), textcoords="offset points", fontsize=8, color=INK)
        note.set(ha="right", va="bottom")


def _marks(view: View[Latency], curve: Curve) -> tuple[list[float], list[float]]:
    """Return where the percentiles lie that results.csv holds."""
    across, up = [], []
    for percentile, share in PERCENTILES.items():
        row = view.percentile(curve.variant, PREDICTION, percentile)
        if row is not None and row.known and row.value is not None and math.isfinite(row.value):
            across.append(row.value)
            up.append(_nines(share))
    return across, up


def _nines(share: float) -> float:
    """Return the place of a percentile: even steps for 90, 99, 99.9 %, so that the tail has room."""
    return -math.log10(1 - share)
