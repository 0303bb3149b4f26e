"""Ratios between architectures beside the noise floor that they must exceed: the only place where anything differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.reading.results import PREDICTION
from reports.reading.view import short
from reports.section import Cell, Row, Table
from reports.wording import around, interval, number, rate, sentence

if TYPE_CHECKING:
    from reports.reading.view import View
    from runfile.facts import Floor, Latency, Ratio

HEADLINE = (PREDICTION, "response_p50")
NOT_MEASURED = "noise floor not measured"
NO_CLAIMS = "Noise floor not measured: no ratio below is a claim."


@dataclass(frozen=True)
class Line:
    """One ratio as the page prints it, never without the noise floor of its metric and rate.

    `about` says of what it is, "" where the heading of the table says so.
    """

    title: str
    about: str
    offered: str
    value: str
    interval: str
    floor: str
    blocks: str
    claim: bool


def claimed(ratio: Ratio) -> bool:
    """Whether a ratio is a difference. Whatever the run says, nothing is without a noise floor."""
    return ratio.claim and ratio.floor_half_width is not None


def between_architectures(view: View[Latency]) -> list[Ratio]:
    """Return the ratios; an arm is compared with nothing."""
    return [each for each in view.found.ratios if not {each.left, each.right} & view.arms]


def of_medians(view: View[Latency]) -> list[Ratio]:
    """Return the ratios that a decision is read from."""
    return [each for each in between_architectures(view) if (each.case, each.metric) == HEADLINE]


def lines(view: View[Latency]) -> tuple[list[Line], list[Line]]:
    """Return the ratios that a decision is read from, and all others."""
    main = of_medians(view)
    rest = [each for each in between_architectures(view) if each not in main]
    return [_line(view, each, "") for each in main], [
        _line(view, each, f"{short(each.case)}, {metric_title(each.metric)}") for each in rest
    ]


def _line(view: View[Latency], ratio: Ratio, about: str) -> Line:
    return Line(
        title=f"{view.title(ratio.left)} / {view.title(ratio.right)}",
        about=about,
        offered=rate(ratio.offered_per_s) if ratio.offered_per_s is not None else "",
        value="withheld" if ratio.value is None else number(ratio.value),
        interval=interval(ratio.low, ratio.high),
        floor="not measured" if ratio.floor_half_width is None else around(ratio.floor_half_width),
        blocks=f"{ratio.n:,}",
        claim=claimed(ratio),
    )


def metric_title(metric: str) -> str:
    """Return the name of a metric as people say it."""
    return metric.replace("_", " ")


def floors(view: View[Latency]) -> list[Floor]:
    """Return the noise floors that bound anything, at low load first."""
    known = [each for each in view.found.noise_floor or () if each.half_width is not None]
    return sorted(known, key=lambda each: each.offered_per_s or 0.0)


def floor_sentence(view: View[Latency]) -> str:
    """Return the noise floor at low load, or that there is none."""
    found = floors(view)
    if not found:
        return NO_CLAIMS
    again = next((view.title(arm.of) for arm in view.found.arms if arm.kind == "A/A"), "one architecture")
    said = f"{_floor(found[0])}, found by measuring {again} twice in {found[0].n} blocks"
    return f"Noise floor: {said}. No smaller difference is claimed."


def floor_note(view: View[Latency]) -> str:
    """Return the noise floor as a note beside a promise, which is about low load."""
    found = floors(view)
    return f"noise floor {_floor(found[0])}" if found else NOT_MEASURED


def _floor(floor: Floor) -> str:
    at = "" if floor.offered_per_s is None else f" at {rate(floor.offered_per_s)} per second"
    return f"{around(floor.half_width or 0.0)} in {metric_title(floor.metric)}{at}"


def floor_table(view: View[Latency]) -> Table:
    """Return every noise floor with the ratio of the architecture to itself, which would be 1 without noise."""
    rows = []
    for floor in floors(view):
        itself = Cell(number(floor.value), interval(floor.low, floor.high))
        cells = (itself, Cell(around(floor.half_width or 0.0)), Cell(f"{floor.n:,}"))
        at = "" if floor.offered_per_s is None else f", {rate(floor.offered_per_s)} per second"
        rows.append(Row(f"{metric_title(floor.metric)}{at}", "", cells))
    return Table("Noise floor", ("ratio to itself", "noise floor", "blocks"), tuple(rows), "metric and rate")


def crossover(view: View[Latency]) -> str:
    """Return where the order of two architectures changes, in one sentence; "" where the run does not know."""
    found = view.found.crossover
    if found is None or (found.low is None and found.high is None) or {found.left, found.right} & view.arms:
        return ""
    if found.words:
        return sentence(found.words)
    bounds = (found.low is not None and f"above {rate(found.low)}", found.high and f"below {rate(found.high)}")
    pair = f"{view.title(found.left)} and {view.title(found.right)}"
    place = " and ".join(each for each in bounds if each)
    return f"The order of {pair} in {metric_title(found.metric)} changes {place} predictions per second."
