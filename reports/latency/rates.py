"""The figure of rising load: response time and goodput by offered rate, one panel each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from reports.drawing import axes as parts
from reports.drawing.across import Across
from reports.drawing.palette import FAINT, INK
from reports.drawing.svg import drawing
from reports.latency import panels as panel
from reports.reading.results import GOODPUT, PREDICTION
from reports.reading.view import BYSTANDERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reports.reading.view import View
    from runfile.facts import Latency

TITLE, AXIS = 0.4, 0.52  # inches
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
    bystanders = [case for case in BYSTANDERS if panel.steps(view, case, "response_p50")][:1]
    cases = [case for case in (PREDICTION, *bystanders) if panel.steps(view, case, "response_p50")]
    found = [Panel(panel.response_height(view, case), partial(panel.responses, view, case)) for case in cases]
    if panel.steps(view, PREDICTION, GOODPUT):
        found.append(Panel(panel.HEIGHT, partial(panel.goodput, view)))
    return found


def _keys(view: View[Latency]) -> list[Artist]:
    from matplotlib.lines import Line2D

    light = Line2D([], [], color=INK, alpha=panel.LIGHT, linewidth=1, marker=".", label="p95 (bold: p50)")
    return [
        *parts.variant_keys(view.titles.values()),
        light,
        Line2D([], [], color=FAINT, linewidth=1, label="all answered in time"),
    ]
