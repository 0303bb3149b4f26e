"""The figure of the overload: goodput and p99 by server at multiples of capacity, one panel each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reports.drawing import axes as parts
from reports.drawing.palette import FAINT, look
from reports.drawing.svg import drawing
from reports.peers.tables import in_figure
from reports.wording import FAILS
from runfile.rows import WITHHELD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reports.peers.tables import Servers
    from reports.reading.results import Results
    from runfile.rows import ResultRow

HEIGHT, GAP, TITLE, AXIS = 1.9, 0.72, 0.4, 0.6  # inches
SPREAD = 0.62  # of the place of a load, over which the servers stand side by side
PERCENT = 100
LANES = (WITHHELD, FAILS)  # the worst on top
TEXT = (
    "Two panels over the offered load as a multiple of capacity, a marker for each server: good answers in percent of "
    "capacity, and below it p99 of what was accepted in milliseconds, on a log axis."
)


def draw(found: Results, servers: Servers, slo_ms: float) -> str:
    """Draw the figure as SVG."""
    keys = parts.variant_keys((title for _, title in servers), dashes=False)
    lanes = HEIGHT + parts.LANE * len(LANES)
    total = HEIGHT + GAP + TITLE + lanes + AXIS + parts.legend_height(keys)

    def paint(figure: Figure) -> None:
        below = parts.add(figure, AXIS, lanes)
        _slowest(below, found, servers, slo_ms)
        parts.name_across(below, "offered load, as a multiple of the server's own capacity")
        above = parts.add(figure, AXIS + lanes + GAP, HEIGHT)
        _goodput(above, found, servers)
        parts.legend(figure, keys)

    return drawing("peers", "Goodput and p99 under overload, by server", TEXT, (parts.WIDTH, total), paint)


def _goodput(axes: Axes, found: Results, servers: Servers) -> None:
    _across(axes, found, "Right answers in time, % of capacity")
    axes.axhline(PERCENT, color=FAINT, linewidth=1, zorder=1)
    highest = float(PERCENT)
    for index, place, row in _points(found, servers, "goodput_share"):
        if row.value is not None:
            bounds = [each * PERCENT for each in (row.low, row.high) if each is not None]
            _point(axes, index, place, row.value * PERCENT, bounds)
            highest = max(highest, row.value * PERCENT, *bounds)
    axes.set_ylim(0, highest * 1.08)


def _slowest(axes: Axes, found: Results, servers: Servers, slo_ms: float) -> None:
    _across(axes, found, "p99 of what was accepted, ms")
    points = _points(found, servers)
    finite = [row.value for *_, row in points if row.value is not None and math.isfinite(row.value)]
    low, high = min([*finite, slo_ms]) / 1.5, max([*finite, slo_ms]) * 1.5
    lanes = parts.upwards(axes, HEIGHT, (low, high), LANES)
    axes.axhline(slo_ms, color=FAINT, linewidth=1, zorder=1)
    for index, place, row in points:
        if row.value is None or math.isinf(row.value):
            lane = lanes[WITHHELD if row.value is None else FAILS]
            parts.mark(axes, [place], [lane], look(index), "white" if row.value is None else "")
        else:
            _point(axes, index, place, row.value, [min(each, high) for each in (row.low, row.high) if each is not None])


def _across(axes: Axes, found: Results, title: str) -> None:
    """Give every load a place of its own, with its name below."""
    steps = in_figure(found)
    axes.set_xlim(-0.5, len(steps) - 0.5)
    axes.set_xticks(range(len(steps)), [words for words, *_ in steps])
    parts.head(axes, title)


def _points(found: Results, servers: Servers, metric: str = "") -> list[tuple[int, float, ResultRow]]:
    """Return look, place and row of everything that was measured: of the p99, unless another metric is named."""
    points = []
    for step, (_, case, p99) in enumerate(in_figure(found)):
        for index, (name, _) in enumerate(servers):
            aside = SPREAD * ((index + 0.5) / len(servers) - 0.5)
            if row := found.find(name, case, metric or p99):
                points.append((index, step + aside, row))
    return points


def _point(axes: Axes, index: int, place: float, value: float, bounds: Sequence[float]) -> None:
    style = look(index)
    if bounds:
        axes.vlines([place], min(bounds), max(bounds), color=style.colour, linewidth=2)
    parts.mark(axes, [place], [value], style)
