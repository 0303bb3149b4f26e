"""Ratios between architectures beside the noise floor that they must exceed. Sits above `view.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.by_rate import short
from reports.view import PREDICTION
from reports.wording import around, counted, digits, interval, listed, number, rate

if TYPE_CHECKING:
    from reports.comparison import Floor, Ratio
    from reports.view import View

HEADLINE = (PREDICTION, "response_p50")
NOT_MEASURED = "noise floor not measured"
NO_CLAIMS = "Noise floor not measured: no ratio below is a claim."


@dataclass(frozen=True)
class Line:
    """One ratio as the page prints it, never without the noise floor of its metric.

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


def lines(view: View) -> tuple[list[Line], list[Line]]:
    """Return the ratios that a decision is read from, and all others. An arm is compared with nothing here."""
    found = [each for each in view.run.ratios if not {each.left, each.right} & view.arms]
    main = [each for each in found if (each.case, each.metric) == HEADLINE]
    rest = [each for each in found if each not in main]
    return [_line(view, each, "") for each in main], [_line(view, each, _about(each)) for each in rest]


def _about(ratio: Ratio) -> str:
    return f"{short(ratio.case)}, {metric_title(ratio.metric)}"


def _line(view: View, ratio: Ratio, about: str) -> Line:
    floor = view.noise_floor.get(ratio.metric)
    return Line(
        title=f"{view.title(ratio.left)} / {view.title(ratio.right)}",
        about=about,
        offered=rate(ratio.offered) if ratio.offered is not None else "",
        value="withheld" if ratio.value is None else number(ratio.value),
        interval=interval(ratio.low, ratio.high),
        floor="not measured" if floor is None else around(floor.half_width),
        blocks=f"{ratio.n:,}",
        claim=ratio.claim and floor is not None,  # whatever the run says, nothing is claimed without a floor
    )


def metric_title(metric: str) -> str:
    """Return the name of a metric as people say it."""
    return metric.replace("_", " ")


def floor_sentence(view: View) -> str:
    """Return what the noise floor is in every metric, or that there is none."""
    floors = view.run.floors
    if not floors:
        return NO_CLAIMS
    again = next((view.title(arm.of) for arm in view.run.arms if arm.kind == "A/A"), "one architecture")
    said = listed([f"{around(floor.half_width)} in {metric_title(floor.metric)}{_found(floor)}" for floor in floors])
    blocks = counted(min(floor.n for floor in floors), "block")
    return f"Noise floor: {said}, from measuring {again} twice in {blocks}. No smaller effect is claimed."


def _found(floor: Floor) -> str:
    """Return the ratio of the architecture to itself, which would be 1 without noise."""
    if floor.value is None:
        return ""
    return f" (ratio {digits(floor.value)} {interval(floor.low, floor.high)}".rstrip() + ")"


def floor_note(view: View) -> str:
    """Return the noise floor as a note beside a ratio whose metric the run does not name: that of the first metric."""
    floor = next(iter(view.run.floors or ()), None)
    if floor is None:
        return NOT_MEASURED
    return f"noise floor {around(floor.half_width)} ({metric_title(floor.metric)})"


def crossover(view: View) -> str:
    """Return where the order of two architectures changes, in one sentence; "" where the run does not know."""
    found = view.run.crossover
    if found is None or (found.low is None and found.high is None) or {found.left, found.right} & view.arms:
        return ""
    if found.words:
        said = found.words[:1].upper() + found.words[1:]
        return said if said.endswith((".", "!", "?")) else f"{said}."
    bounds = [
        f"above {rate(found.low)}" if found.low is not None else "",
        f"below {rate(found.high)}" if found.high else "",
    ]
    place = " and ".join(bound for bound in bounds if bound)
    pair = f"{view.title(found.left)} and {view.title(found.right)}"
    return f"The order of {pair} in {metric_title(found.metric)} changes {place} predictions per second."
