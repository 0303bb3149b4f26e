"""The figures that a run can fill, each with its sentence and its numbers: between `page.py` and the drawings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import captions, summary

if TYPE_CHECKING:
    from reports.summary import Table
    from reports.view import View

PERCENTILES = "A dot is a percentile, the bar its interval. All panels share one axis."
STAGES = (
    "Reported by the servers: db is queries, decode reading the image, queue waiting for the model, infer the model, "
    "app all the rest inside the web server, calls to other servers included. The diamond is the whole response as the "
    "client saw it. Medians need not add up to it, and the way to and from the client is in no stage."
)
CURVE = (
    "All trials of a variant together, from requests.parquet. A line ends where too few requests lie above it for "
    "an interval, or where failures begin."
)


@dataclass(frozen=True)
class Figure:
    """A drawing, what to take from it, how to read it, and the numbers behind it."""

    svg: str
    caption: str
    note: str
    tables: list[Table]


def build(view: View, *, claims: bool) -> list[Figure]:
    """Draw what there is data for, in reading order. matplotlib loads only when there is something to draw."""
    from reports import figure_curve, figure_percentiles, figure_stages

    figures = []
    if view.cases and view.variants:
        svg, caption = figure_percentiles.draw(view), captions.percentiles(view, claims=claims)
        figures.append(Figure(svg, caption, PERCENTILES, summary.response_tables(view)))
    if summary.has_stages(view):
        svg, caption = figure_stages.draw(view), captions.stages(view, claims=claims)
        figures.append(Figure(svg, caption, STAGES, [summary.stage_table(view)]))
    if view.curves:
        svg, caption = figure_curve.draw(view), captions.curve(view, claims=claims)
        figures.append(Figure(svg, caption, CURVE, [summary.curve_table(view)]))
    return figures
