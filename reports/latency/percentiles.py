"""The first figure: percentiles with intervals, every variant and route class on one log axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reports.drawing import axes as parts
from reports.drawing.palette import BAND, INK, Look, look
from reports.drawing.svg import drawing
from reports.reading.results import RAW_LIMIT
from reports.reading.view import PERCENTILES, case_title

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reports.reading.view import View
    from runfile.facts import Latency
    from runfile.rows import ResultRow

LANE, TITLE, AXIS = 0.16, 0.36, 0.52  # inches
TEXT = "Dots are percentiles of the response time in milliseconds on a log axis, bars their intervals."


def draw(view: View[Latency]) -> str:
    """Draw the figure as SVG. A percentile that failures reach stands at the right edge, a withheld one at the left."""
    keys = _keys(view)
    row = LANE * (len(view.variants) + 1)
    panels = {case: _worth_drawing(view, case) for case in view.cases}
    height = AXIS + sum(row * len(rows) + TITLE for rows in panels.values()) + parts.legend_height(keys)

    def paint(figure: Figure) -> None:
        bottom = AXIS
        for index, (case, rows) in enumerate(reversed(panels.items())):
            _panel(view, parts.add(figure, bottom, row * len(rows)), case, rows, last=index == 0)
            bottom += row * len(rows) + TITLE
        parts.legend(figure, keys)

    return drawing("percentiles", "Response time by percentile", TEXT, (parts.WIDTH, height), paint)


def _worth_drawing(view: View[Latency], case: str) -> tuple[str, ...]:
    """Return the percentiles that at least one variant has; the table tells why the others are withheld."""

    def known(percentile: str) -> bool:
        rows = [view.percentile(name, case, percentile) for name in view.variants]
        return any(row is not None and row.known for row in rows)

    return tuple(each for each in PERCENTILES if known(each)) or ("p50",)


def _keys(view: View[Latency]) -> list[Artist]:
    from matplotlib.lines import Line2D

    keys = parts.variant_keys(view.titles.values())
    if any(row.variant == RAW_LIMIT for row in view.results.rows):
        keys.append(Line2D([], [], color=INK, linestyle=(0, (2, 1.5)), linewidth=1.4, label="raw limit"))
    return keys


def _panel(view: View[Latency], axes: Axes, case: str, percentiles: tuple[str, ...], *, last: bool) -> None:
    low, high = parts.log_ms(axes, _all_values(view))
    axes.set_ylim(len(percentiles) - 0.5, -0.5)
    axes.set_yticks(range(len(percentiles)), percentiles)
    axes.set_title(case_title(case), loc="left", fontsize=10.5, fontweight="bold", color=INK, pad=5, y=1)
    axes.tick_params(labelbottom=last)
    if last:
        parts.name_across(axes, "response time in ms, log scale")
    for place, percentile in enumerate(percentiles):
        axes.axhspan(place - 0.46, place + 0.46, color=BAND, zorder=0, linewidth=0)
        raw = view.percentile(RAW_LIMIT, case, percentile)
        if raw is not None and raw.known and raw.value is not None and math.isfinite(raw.value):
            axes.vlines(raw.value, place - 0.46, place + 0.46, color=INK, linestyle=(0, (2, 1.5)), linewidth=1.4)
        for index, name in enumerate(view.variants):
            offset = (index + 1) / (len(view.variants) + 1) - 0.5
            _dot(axes, view.percentile(name, case, percentile), place + offset, look(index), (low, high))


def _dot(axes: Axes, row: ResultRow | None, height: float, style: Look, limits: tuple[float, float]) -> None:
    if row is None:
        return
    low_edge, high_edge = limits
    if not row.known or row.value is None:
        parts.say(axes, row.unknown, low_edge, height, 7)
        parts.mark(axes, [low_edge], [height], style, "white")
    elif math.isinf(row.value):
        parts.say(axes, "fails", high_edge, height, -7)
        parts.mark(axes, [high_edge], [height], style)
    else:
        if row.low is not None and row.high is not None:
            ends = [max(row.low, low_edge), min(row.high, high_edge)]
            axes.plot(ends, [height, height], color=style.colour, linewidth=2.2, solid_capstyle="butt")
        parts.mark(axes, [row.value], [height], style)


def _all_values(view: View[Latency]) -> list[float]:
    """Every value and bound of the figure: all panels share one axis, or their lengths could not be compared."""
    names = (*view.variants, RAW_LIMIT)
    rows = [view.percentile(name, case, each) for name in names for case in view.cases for each in PERCENTILES]
    known = [row for row in rows if row is not None and row.known]
    return [value for row in known for value in (row.value, row.low, row.high) if value is not None]
