"""The first figure: percentiles with intervals, every variant and route class on one log axis."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from reports.drawing import axes as parts
from reports.drawing.column import Panel, column, variant_keys
from reports.drawing.library import Axes, Line2D
from reports.drawing.palette import BAND, INK, Look, look
from reports.reading.results import RAW_LIMIT, extent, finite
from reports.reading.view import PERCENTILES, View, case_title
from reports.wording import FAILS
from runfile.facts import Latency
from runfile.rows import ResultRow

LANE = 0.16  # inches
RAW: Final[dict[str, Any]] = {"color": INK, "linestyle": (0, (2, 1.5)), "linewidth": 1.4}
TITLE = "Response time by percentile"
TEXT = "Dots are percentiles of the response time in milliseconds on a log axis, bars their intervals."

Limits = tuple[float, float]  # of the axis across


def draw(view: View[Latency]) -> str:
    """Draw the figure as SVG. A percentile that failures reach stands at the right edge, a withheld one at the left."""
    keys = variant_keys(view.titles.values())
    if any(row.variant == RAW_LIMIT for row in view.results.rows):
        keys.append(Line2D([], [], **RAW, label="raw limit"))
    panels, limits = [], _limits(view)
    for case in view.cases:
        # What no variant has is left out; the table tells why it is withheld.
        worth = [each for each in PERCENTILES if extent(view.percentile(name, case, each) for name in view.variants)]
        rows = worth or ["p50"]
        height = LANE * (len(view.variants) + 1) * len(rows)
        panels.append(Panel(height, partial(_panel, view, case, rows, limits), case_title(case)))
    return column("percentiles", TITLE, TEXT, "response time in ms, log scale", panels, keys)


def _panel(view: View[Latency], case: str, percentiles: Sequence[str], limits: Limits, axes: Axes) -> None:
    parts.log_across(axes, limits)
    axes.set_ylim(len(percentiles) - 0.5, -0.5)
    axes.set_yticks(range(len(percentiles)), percentiles)
    for place, percentile in enumerate(percentiles):
        axes.axhspan(place - 0.46, place + 0.46, color=BAND, zorder=0, linewidth=0)
        raw = finite(view.percentile(RAW_LIMIT, case, percentile))
        if raw is not None:
            axes.vlines(raw, place - 0.46, place + 0.46, **RAW)
        for index, name in enumerate(view.variants):
            row, offset = view.percentile(name, case, percentile), (index + 1) / (len(view.variants) + 1) - 0.5
            if row is not None:
                _dot(axes, row, place + offset, look(index), limits)


def _dot(axes: Axes, row: ResultRow, height: float, style: Look, limits: Limits) -> None:
    low_edge, high_edge = limits
    if not row.known or row.value is None:
        parts.say(axes, row.unknown, (low_edge, height), (7, 0))
        parts.mark(axes, [low_edge], [height], style, "white")
    elif math.isinf(row.value):
        parts.say(axes, FAILS, (high_edge, height), (-7, 0))
        parts.mark(axes, [high_edge], [height], style)
    else:
        if row.low is not None and row.high is not None:
            ends = [max(row.low, low_edge), min(row.high, high_edge)]
            axes.plot(ends, [height, height], color=style.colour, linewidth=2.2, solid_capstyle="butt")
        parts.mark(axes, [row.value], [height], style)


def _limits(view: View[Latency]) -> Limits:
    """Return the bounds of the axis that all panels share, or their lengths could not be compared."""
    names = (*view.variants, RAW_LIMIT)
    rows = [view.percentile(name, case, each) for name in names for case in view.cases for each in PERCENTILES]
    return parts.bounds(extent(rows), *parts.AIR)
