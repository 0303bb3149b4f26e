"""The figure of rising load: response time and goodput by offered rate, one panel each."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from reports.drawing import axes as parts
from reports.drawing.axes import Across
from reports.drawing.palette import FAINT, INK, look
from reports.drawing.svg import drawing
from reports.reading.results import GOODPUT, PREDICTION
from reports.reading.view import BYSTANDERS, short
from reports.wording import FAILS
from runfile.rows import SATURATED, WITHHELD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reports.reading.view import View
    from runfile.facts import Latency
    from runfile.rows import ResultRow

TITLE, AXIS, HEIGHT = 0.4, 0.52, 1.7  # inches
LIGHT = 0.45  # opacity of p95
LANES = (WITHHELD, SATURATED, FAILS)  # the worst on top
TEXT = (
    "Lines over the offered predictions per second, log axes: response time p50 and p95 in milliseconds by route "
    "class, and below them the good answers within the SLO per second."
)


@dataclass(frozen=True)
class Panel:
    """One drawing of the column, with its height in inches."""

    height: float
    paint: Callable[[Axes, Across], None]


def draw(view: View[Latency]) -> str:
    """Draw the figure as SVG; "" where the rows fill no panel."""
    panels = _panels(view)
    if not panels:
        return ""
    keys = _keys(view)
    across = Across.around(parts.positive(row.offered_per_s or 0.0 for row in view.results.rows), len(view.variants))
    total = AXIS + sum(each.height + TITLE for each in panels) + parts.legend_height(keys)

    def paint(figure: Figure) -> None:
        bottom = AXIS
        for index, each in enumerate(reversed(panels)):
            axes = parts.add(figure, bottom, each.height)
            across.draw(axes, last=index == 0)
            each.paint(axes, across)
            bottom += each.height + TITLE
        parts.legend(figure, keys)

    return drawing("rates", "Response time and goodput by offered rate", TEXT, (parts.WIDTH, total), paint)


def _panels(view: View[Latency]) -> list[Panel]:
    """Return predictions, one route class that stands for all bystanders, and goodput, as far as there are rows."""
    bystanders = [case for case in BYSTANDERS if steps(view, case, "response_p50")][:1]
    cases = [case for case in (PREDICTION, *bystanders) if steps(view, case, "response_p50")]
    found = [Panel(response_height(view, case), partial(responses, view, case)) for case in cases]
    if steps(view, PREDICTION, GOODPUT):
        found.append(Panel(HEIGHT, partial(goodput, view)))
    return found


def _keys(view: View[Latency]) -> list[Artist]:
    from matplotlib.lines import Line2D

    light = Line2D([], [], color=INK, alpha=LIGHT, linewidth=1, marker=".", label="p95 (bold: p50)")
    return [
        *parts.variant_keys(view.titles.values()),
        light,
        Line2D([], [], color=FAINT, linewidth=1, label="all answered in time"),
    ]


def steps(view: View[Latency], case: str, metric: str) -> list[tuple[int, ResultRow]]:
    """Return every step of every variant, with the variant's place, which fixes its look."""
    return [
        (index, row) for index, name in enumerate(view.variants) for row in view.results.by_rate(name, case, metric)
    ]


def response_height(view: View[Latency], case: str) -> float:
    """Return the inches that a panel of response times needs."""
    return HEIGHT + parts.LANE * len(_words(view, case))


def responses(view: View[Latency], case: str, axes: Axes, across: Across) -> None:
    """Draw p50 and p95 by offered rate; what has no time stands in a lane above."""
    parts.head(axes, f"{short(case)}: response time, ms")
    p50, p95 = (steps(view, case, f"response_{each}") for each in ("p50", "p95"))
    times = _bounds_of_times([row for _, row in (*p50, *p95)])
    lanes = parts.upwards(axes, HEIGHT, times, _words(view, case))
    _lines(axes, p95, across, light=True)
    _lines(axes, p50, across)
    for index, row in p95:
        if _lane(row) == FAILS:  # its other gaps are those of p50 as well, or mean nothing
            parts.mark(axes, [across.place(row.offered_per_s, index)], [lanes[FAILS]], look(index), "white")
    for index, row in p50:
        if lane := _lane(row):
            fill = "" if lane == FAILS else "white"
            parts.mark(axes, [across.place(row.offered_per_s, index)], [lanes[lane]], look(index), fill)


def goodput(view: View[Latency], axes: Axes, across: Across) -> None:
    """Draw the goodput below the line on which every offered prediction is answered in time."""
    across = replace(across, aside=0.0)  # a marker put aside would seem to lie off that line
    parts.head(axes, "Goodput: predictions answered well within the SLO, per second")
    found = steps(view, PREDICTION, GOODPUT)
    values = parts.positive(row.value or 0.0 for _, row in found if row.known)
    low = max(min([*values, across.low]), across.low / 100) / 1.2
    axes.set_yscale("log")
    axes.set_ylim(low, across.high)
    parts.plain_log(axes.yaxis, low, across.high)
    axes.plot([across.low, across.high], [across.low, across.high], color=FAINT, linewidth=1, zorder=1)
    _lines(axes, found, across)
    for index, row in found:
        if row.value is not None and row.value < low:
            parts.mark(axes, [across.place(row.offered_per_s, index)], [low], look(index), "white")
            parts.say(axes, "none" if not row.value else "less", across.place(row.offered_per_s, index), low, 7)


def _lane(row: ResultRow) -> str:
    """Return the lane of what has no place on the axis of time, "" for what has."""
    if row.known and row.value is not None:
        return FAILS if math.isinf(row.value) else ""
    return row.unknown


def _words(view: View[Latency], case: str) -> list[str]:
    """Return the lanes that a panel needs."""
    used = {_lane(row) for _, row in steps(view, case, "response_p50")}
    used |= {_lane(row) for _, row in steps(view, case, "response_p95") if _lane(row) == FAILS}
    return [word for word in LANES if word in used]


def _bounds_of_times(rows: Sequence[ResultRow]) -> tuple[float, float]:
    """Return the times that the axis must show, with some air."""
    bounds = [value or 0.0 for row in rows if row.known for value in (row.value, row.low, row.high)]
    times = parts.positive(bounds) or [1.0, 10.0]
    return min(times) / 1.25, max(times) * 1.25


def _lines(axes: Axes, found: Sequence[tuple[int, ResultRow]], across: Across, *, light: bool = False) -> None:
    """Draw a line per variant; it breaks where a step has no number that the axis can show."""
    opacity, width = (LIGHT, 1.0) if light else (1.0, 1.8)
    for index in dict.fromkeys(index for index, _ in found):
        rows = [row for each, row in found if each == index]
        places, values = [across.place(row.offered_per_s, index) for row in rows], [_shown(row) for row in rows]
        style = look(index)
        axes.plot(places, values, color=style.colour, linestyle=style.dash, linewidth=width, alpha=opacity)
        bounds = [_bounds(row, axes.get_ylim()[1]) for row in rows]
        lows, highs = [low for low, _ in bounds], [high for _, high in bounds]
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
    value = row.value if row.known and row.value is not None else math.nan
    return value if math.isfinite(value) and value > 0 else math.nan
