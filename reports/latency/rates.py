"""The figure of rising load: response time and goodput by offered rate, one panel each."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from reports.drawing import axes as parts
from reports.drawing.axes import Across
from reports.drawing.column import Panel, column, variant_keys
from reports.drawing.library import Axes, Line2D
from reports.drawing.palette import FAINT, INK, look
from reports.reading.results import GOODPUT, PREDICTION, extent, finite
from reports.reading.view import BYSTANDERS, View, short
from reports.wording import FAILS
from runfile.facts import Latency
from runfile.rows import SATURATED, WITHHELD, ResultRow

HEIGHT = 1.7  # inches
LIGHT = 0.45  # opacity of p95
LANES = (WITHHELD, SATURATED, FAILS)  # the worst on top
NONE = "none"
TITLE = "Response time and goodput by offered rate"
TEXT = (
    "Lines over the offered predictions per second, log axes: response time p50 and p95 in milliseconds by route "
    "class, and below them the good answers within the SLO per second."
)

Steps = Sequence[tuple[int, ResultRow]]  # each step of each variant with the variant's place, which fixes its look


def draw(view: View[Latency]) -> str:
    """Draw predictions, one route class that stands for all bystanders, and goodput; "" where there are no rows."""
    rates = [row.offered_per_s for row in view.results.rows if row.offered_per_s is not None]
    across = Across(parts.bounds(rates, 1.2, 1.2), len(view.variants))
    bystanders = [case for case in BYSTANDERS if _steps(view, case, "response_p50")][:1]
    cases = [case for case in (PREDICTION, *bystanders) if _steps(view, case, "response_p50")]
    panels = [_responses(view, case, across) for case in cases]
    if goodput := _steps(view, PREDICTION, GOODPUT):
        title = "Goodput: predictions answered well within the SLO, per second"
        panels.append(Panel(HEIGHT, partial(_goodput, goodput, across), title))
    keys = [
        *variant_keys(view.titles.values()),
        Line2D([], [], color=INK, alpha=LIGHT, linewidth=1, marker=".", label="p95 (bold: p50)"),
        Line2D([], [], color=FAINT, linewidth=1, label="all answered in time"),
    ]
    name = "offered predictions per second, log scale"
    return column("rates", TITLE, TEXT, name, panels, keys) if panels else ""


def _steps(view: View[Latency], case: str, metric: str) -> Steps:
    return [
        (index, row) for index, name in enumerate(view.variants) for row in view.results.by_rate(name, case, metric)
    ]


def _responses(view: View[Latency], case: str, across: Across) -> Panel:
    """Return p50 and p95 by offered rate; what has no time stands in a lane above."""
    p50, p95 = _steps(view, case, "response_p50"), _steps(view, case, "response_p95")
    # The other gaps of p95 are those of p50 as well, or mean nothing.
    gaps = [(index, row, "white") for index, row in p95 if _lane(row) == FAILS]
    gaps += [(index, row, "" if _lane(row) == FAILS else "white") for index, row in p50 if _lane(row)]
    lanes = [word for word in LANES if word in {_lane(row) for _, row, _ in gaps}]

    def paint(axes: Axes) -> None:
        parts.log_across(axes, across.ends, "both")
        ends = parts.bounds(extent(row for _, row in (*p50, *p95)), 1.25, 1.25)
        heights = parts.upwards(axes, HEIGHT, ends, lanes)
        _lines(axes, p95, across, light=True)
        _lines(axes, p50, across)
        for index, row, fill in gaps:
            parts.mark(axes, [across.place(row.offered_per_s, index)], [heights[_lane(row)]], look(index), fill)

    return Panel(HEIGHT + parts.LANE * len(lanes), paint, f"{short(case)}: response time, ms")


def _goodput(found: Steps, across: Across, axes: Axes) -> None:
    """Draw the goodput below the line on which every offered prediction is answered in time."""
    across = replace(across, aside=0.0)  # a marker put aside would seem to lie off that line
    parts.log_across(axes, across.ends, "both")
    none = [(index, row) for index, row in found if row.value == 0]
    low, _ = parts.bounds([across.ends[0], *(_shown(row) for _, row in found)], 1.2, 1.0)
    lanes = parts.upwards(axes, HEIGHT, (low, across.ends[1]), (), [NONE] if none else [])
    axes.plot(across.ends, across.ends, color=FAINT, linewidth=1, zorder=1)
    _lines(axes, found, across)
    for index, row in none:
        parts.mark(axes, [across.place(row.offered_per_s, index)], [lanes[NONE]], look(index), "white")


def _lane(row: ResultRow) -> str:
    """Return the lane of what has no place on the axis of time, "" for what has."""
    if row.known and row.value is not None:
        return FAILS if math.isinf(row.value) else ""
    return row.unknown


def _lines(axes: Axes, found: Steps, across: Across, *, light: bool = False) -> None:
    """Draw a line per variant; it breaks where a step has no number that the axis can show."""
    opacity, width = (LIGHT, 1.0) if light else (1.0, 1.8)
    for index in dict.fromkeys(index for index, _ in found):
        rows, style = [row for each, row in found if each == index], look(index)
        places, values = [across.place(row.offered_per_s, index) for row in rows], [_shown(row) for row in rows]
        axes.plot(places, values, color=style.colour, linestyle=style.dash, linewidth=width, alpha=opacity)
        lows, highs = zip(*(_bounds(row, axes.get_ylim()[1]) for row in rows), strict=True)
        axes.vlines(places, lows, highs, color=style.colour, linewidth=width * 1.2, alpha=opacity)
        if light:
            axes.plot(places, values, linestyle="", marker=".", color=style.colour, alpha=opacity)
        else:
            parts.mark(axes, places, values, style)


def _bounds(row: ResultRow, top: float) -> tuple[float, float]:
    """Return the interval as far as the axis shows it, NaN where there is no marker that it could belong to."""
    if math.isnan(_shown(row)) or row.low is None or row.high is None:
        return math.nan, math.nan
    return row.low, min(row.high, top)


def _shown(row: ResultRow) -> float:
    """Return what a log axis can show of a number, else NaN."""
    return finite(row) or math.nan
