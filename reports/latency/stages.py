"""The second figure: where the time of a prediction goes, one bar per variant."""

from typing import Any, Final

from reports.drawing.axes import GRID
from reports.drawing.column import Panel, column
from reports.drawing.library import Axes, FuncFormatter, Line2D, Patch
from reports.drawing.palette import INK, STAGE_LOOKS
from reports.drawing.svg import label
from reports.latency.captions import stage_ms
from reports.reading.results import PREDICTION, finite
from reports.reading.view import View
from reports.wording import digits
from runfile.columns import STAGES
from runfile.facts import Latency

ROW, LEFT = 0.5, 2.1  # inches
LABEL_SHARE = 0.06  # of the axis: a narrower segment has no room for its number
DIAMOND: Final[dict[str, Any]] = {
    "linestyle": "",
    "marker": "d",
    "color": "white",
    "markeredgecolor": INK,
    "markersize": 8,
}
TEXT = "Stacked bars of the median time in milliseconds that the servers report for each stage of a prediction."


def draw(view: View[Latency]) -> str:
    """Draw the figure as SVG. The diamond is the response that the client saw: medians need not add up to it."""
    patches = [Patch(**_look(stage), label=stage) for stage in STAGES]
    keys = [*patches, Line2D([], [], **DIAMOND, label="response p50, client")]
    panel = Panel(ROW * len(view.variants), lambda axes: _bars(view, axes))
    return column("stages", "Stages of a prediction", TEXT, "median time in ms", [panel], keys, LEFT)


def _look(stage: str) -> dict[str, Any]:
    colour, hatch = STAGE_LOOKS[stage]
    return {"facecolor": colour, "hatch": hatch, "edgecolor": INK, "linewidth": 0.6}


def _bars(view: View[Latency], axes: Axes) -> None:
    seen = {place: finite(view.percentile(name, PREDICTION, "p50")) for place, name in enumerate(view.variants)}
    known = {place: value for place, value in seen.items() if value is not None}
    totals = [sum(stage_ms(view, name, stage) for stage in STAGES) for name in view.variants]
    widest = max([*totals, *known.values()])
    axes.set_xlim(0, widest * 1.06)
    axes.set_ylim(len(view.variants) - 0.5, -0.5)
    axes.set_yticks(range(len(view.variants)), [label(view.title(name)) for name in view.variants])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    for place, name in enumerate(view.variants):
        _bar(view, axes, name, place, widest)
    for place, value in known.items():
        axes.plot([value], [place], **DIAMOND, zorder=3)


def _bar(view: View[Latency], axes: Axes, name: str, place: int, widest: float) -> None:
    left = 0.0
    for stage in STAGES:
        width = stage_ms(view, name, stage)
        if width:
            axes.barh(place, width, 0.56, left=left, **_look(stage))
        if width > widest * LABEL_SHARE:
            number = axes.text(left + width / 2, place, digits(width), fontsize=8.5, color=INK)
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2} if STAGE_LOOKS[stage][1] else None
            number.set(ha="center", va="center", bbox=box)
        left += width
