"""The figure of the overload: goodput and p99 by server at multiples of capacity, one panel each."""

import math
from functools import partial

from reports.drawing import axes as parts
from reports.drawing.column import Panel, column, variant_keys
from reports.drawing.library import Axes
from reports.drawing.palette import FAINT, look
from reports.peers.tables import Servers, in_figure
from reports.reading.results import Results, extent
from reports.wording import FAILS
from runfile.rows import WITHHELD, ResultRow

HEIGHT = 1.9  # inches
SPREAD = 0.62  # of the place of a load, over which the servers stand side by side
PERCENT = 100
LANES = (WITHHELD, FAILS)  # the worst on top
TITLE = "Goodput and p99 under overload, by server"
TEXT = (
    "Two panels over the offered load as a multiple of capacity, a marker for each server: good answers in percent of "
    "capacity, and below it p99 of what was accepted in milliseconds, on a log axis."
)


def draw(found: Results, servers: Servers, slo_ms: float) -> str:
    """Draw the figure as SVG."""
    goodput, slowest = partial(_goodput, found, servers), partial(_slowest, found, servers, slo_ms)
    panels = [
        Panel(HEIGHT, goodput, "Right answers in time, % of capacity"),
        Panel(HEIGHT + parts.LANE * len(LANES), slowest, "p99 of what was accepted, ms"),
    ]
    keys = variant_keys((title for _, title in servers), dashes=False)
    return column("peers", TITLE, TEXT, "offered load, as a multiple of the server's own capacity", panels, keys)


def _goodput(found: Results, servers: Servers, axes: Axes) -> None:
    _across(axes, found, PERCENT)
    points = [each for each in _points(found, servers, "goodput_share") if each[-1].known]
    for index, place, row in points:
        _point(axes, index, place, row, PERCENT)
    shares = [share for share in extent(row for *_, row in points) if math.isfinite(share)]
    axes.set_ylim(0, max([1.0, *shares]) * PERCENT * 1.08)


def _slowest(found: Results, servers: Servers, slo_ms: float, axes: Axes) -> None:
    points = _points(found, servers)
    ends = parts.bounds([slo_ms, *(row.value for *_, row in points if row.value is not None)], 1.5, 1.5)
    lanes = parts.upwards(axes, HEIGHT, ends, LANES)
    _across(axes, found, slo_ms)
    for index, place, row in points:
        if row.value is None or math.isinf(row.value):
            lane = WITHHELD if row.value is None else FAILS
            parts.mark(axes, [place], [lanes[lane]], look(index), "white" if row.value is None else "")
        else:
            _point(axes, index, place, row)


def _across(axes: Axes, found: Results, line: float) -> None:
    """Give every load a place of its own with its name below, and draw the line that all is compared with."""
    names = [words for words, *_ in in_figure(found)]
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_xticks(range(len(names)), names)
    axes.axhline(line, color=FAINT, linewidth=1, zorder=1)


def _points(found: Results, servers: Servers, metric: str = "") -> list[tuple[int, float, ResultRow]]:
    """Return look, place and row of everything that was measured: of the p99, unless another metric is named."""
    points = []
    for step, (_, case, p99) in enumerate(in_figure(found)):
        for index, (name, _) in enumerate(servers):
            aside = SPREAD * ((index + 0.5) / len(servers) - 0.5)
            if row := found.find(name, case, metric or p99):
                points.append((index, step + aside, row))
    return points


def _point(axes: Axes, index: int, place: float, row: ResultRow, scale: int = 1) -> None:
    """Draw a value with its interval, as far as the axis shows it."""
    style = look(index)
    if row.low is not None and row.high is not None:
        top = axes.get_ylim()[1] if math.isinf(row.high) else row.high * scale
        axes.vlines([place], row.low * scale, top, color=style.colour, linewidth=2)
    parts.mark(axes, [place], [(row.value or 0.0) * scale], style)
