"""The third figure: response time of a prediction by percentile, the slow tail drawn out."""

import math

from reports.drawing import axes as parts
from reports.drawing.column import Panel, column, variant_keys
from reports.drawing.library import Axes
from reports.drawing.palette import Look, look
from reports.reading.results import PREDICTION, Curve, finite
from reports.reading.view import PERCENTILES, View
from runfile.facts import Latency

HEIGHT = 3.2  # inches
TICKS = (0.5, 0.9, 0.95, 0.99, 0.999, 0.9999)
TITLE = "Response time by percentile, the tail drawn out"
TEXT = "One line per variant: percentile upwards, response time in milliseconds to the right on a log axis."


def draw(view: View[Latency]) -> str:
    """Draw the figure as SVG. A line ends where failures begin, or where too few requests lie above."""
    panel, keys = Panel(HEIGHT, lambda axes: _lines(view, axes)), variant_keys(view.titles.values())
    return column("curve", TITLE, TEXT, "response time in ms, log scale", [panel], keys)


def _lines(view: View[Latency], axes: Axes) -> None:
    ends = parts.bounds([value for curve in view.curves for value in curve.ms], *parts.AIR)
    parts.log_across(axes, ends)
    top = max(_nines(curve.shares[-1]) for curve in view.curves)
    ticks = [share for share in TICKS if _nines(share) <= top + 0.05]
    axes.set_ylim(0, top + 0.12)
    axes.set_yticks([0, *map(_nines, ticks)], ["fastest", *(f"p{share * 100:g}" for share in ticks)])
    axes.grid(axis="y", color=parts.GRID, linewidth=0.7)
    for curve in view.curves:
        style = look(view.variants.index(curve.variant))
        _line(axes, curve, style, ends[1])
        # The percentiles that results.csv holds.
        rows = {share: view.percentile(curve.variant, PREDICTION, name) for name, share in PERCENTILES.items()}
        held = {_nines(share): value for share, row in rows.items() if (value := finite(row)) is not None}
        parts.mark(axes, [*held.values()], [*held], style)


def _line(axes: Axes, curve: Curve, style: Look, edge: float) -> None:
    points = [(ms, _nines(share)) for share, ms in zip(curve.shares, curve.ms, strict=True) if math.isfinite(ms)]
    if points:
        across, up = zip(*points, strict=True)
        axes.plot(across, up, color=style.colour, linestyle=style.dash, linewidth=1.8)
    if len(points) < len(curve.shares):
        parts.say(axes, "fails from here up", (edge, points[-1][1] if points else 0), (0, 4))


def _nines(share: float) -> float:
    """Return the place of a percentile: even steps for 90, 99, 99.9 %, so that the tail has room."""
    return -math.log10(1 - share)
