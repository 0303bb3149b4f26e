"""The figures that a run can fill, each with its sentence and its numbers: between `page.py` and the drawings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import by_rate, caption_rates, captions, summary

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
RATES = (
    "The load is the same for all and rises in steps. Bold lines are p50, thin ones p95, bars their intervals; where "
    "response times are drawn, markers of one rate stand side by side. A step whose backlog grew until its end is "
    "saturated: its percentiles would only tell how long it lasted. Metadata keeps its low rate throughout."
)


@dataclass(frozen=True)
class Figure:
    """A drawing, what to take from it, how to read it, and the numbers behind it."""

    svg: str
    caption: str
    note: str
    tables: list[Table]


def under_rising_load(view: View, *, claims: bool) -> list[Figure]:
    """Draw what happens when the offered rate rises; nothing where it did not."""
    from reports import figure_rates

    svg = figure_rates.draw(view)
    caption = caption_rates.sentence(view, claims=claims)
    return [Figure(svg, caption, RATES, by_rate.tables(view))] if svg else []


def build(view: View, *, claims: bool) -> list[Figure]:
    """Draw what there is data for at low load, in reading order. matplotlib loads only where something is drawn."""
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
