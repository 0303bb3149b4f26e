"""The second figure: where the time of a prediction goes, one bar per variant."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reports.drawing import axes as parts
from reports.drawing.palette import INK, STAGE_LOOKS
from reports.drawing.svg import drawing, label
from reports.latency.captions import stage_ms
from reports.reading.results import PREDICTION
from reports.reading.view import STAGES
from reports.wording import digits

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reports.reading.view import View
    from runfile.facts import Latency

ROW, AXIS, LEFT = 0.5, 0.52, 2.1  # inches
LABEL_SHARE = 0.06  # of the axis: a narrower segment has no room for its number
TEXT = "Stacked bars of the median time in milliseconds that the servers report for each stage of a prediction."


def draw(view: View[Latency]) -> str:
    """Draw the figure as SVG. The diamond is the response that the client saw: medians need not add up to it."""
    keys = _keys()
    height = AXIS + ROW * len(view.variants) + parts.legend_height(keys)

    def paint(figure: Figure) -> None:
        _bars(view, parts.add(figure, AXIS, ROW * len(view.variants), LEFT))
        parts.legend(figure, keys)

    return drawing("stages", "Stages of a prediction", TEXT, (parts.WIDTH, height), paint)


def _bars(view: View[Latency], axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter

    seen = {name: _seen_ms(view, name) for name in view.variants}
    totals = [sum(stage_ms(view, name, stage) for stage in STAGES) for name in view.variants]
    widest = max([*totals, *(value for value in seen.values() if value is not None)])
    axes.set_xlim(0, widest * 1.06)
    axes.set_ylim(len(view.variants) - 0.5, -0.5)
    axes.set_yticks(range(len(view.variants)), [label(view.title(name)) for name in view.variants])
    parts.name_across(axes, "median time in ms")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.grid(axis="x", color=parts.GRID, linewidth=0.7)
    for place, name in enumerate(view.variants):
        _bar(view, axes, name, place, widest)
    for value, place in [(value, place) for place, value in enumerate(seen.values()) if value is not None]:
        axes.plot([value], [place], marker="d", color="white", markeredgecolor=INK, markersize=8, zorder=3)


def _bar(view: View[Latency], axes: Axes, name: str, place: int, widest: float) -> None:
    left = 0.0
    for stage in STAGES:
        width = stage_ms(view, name, stage)
        colour, hatch = STAGE_LOOKS[stage]
        if width:
            axes.barh(place, width, 0.56, left=left, color=colour, hatch=hatch, edgecolor=INK, linewidth=0.6)
        if width > widest * LABEL_SHARE:
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2} if hatch else None
            axes.text(
                left + width / 2, place, digits(width), ha="center", va="center", fontsize=8.5, color=INK, bbox=box
            )
        left += width


def _seen_ms(view: View[Latency], name: str) -> float | None:
    row = view.percentile(name, PREDICTION, "p50")
    value = row.value if row is not None and row.known else None
    return value if value is not None and math.isfinite(value) else None


def _keys() -> list[Artist]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    keys: list[Artist] = []
    for stage in STAGES:
        colour, hatch = STAGE_LOOKS[stage]
        keys.append(Patch(facecolor=colour, hatch=hatch, edgecolor=INK, linewidth=0.6, label=stage))
    diamond = Line2D([], [], linestyle="", marker="d", color="white", markeredgecolor=INK, markersize=8)
    diamond.set_label("response p50, client")
    return [*keys, diamond]
