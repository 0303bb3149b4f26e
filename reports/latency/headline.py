"""The one sentence at the top, made from the data and never claiming more than they carry. Sits above `view.py`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import capacity, ratios
from reports.standing import SMOKE_BANNER
from reports.view import ENOUGH_BLOCKS, PREDICTION
from reports.wording import interval, listed, number, spread

if TYPE_CHECKING:
    from reports.results import Result
    from reports.samples import Curve
    from reports.standing import Standing
    from reports.view import View

SHARES = {"p95": 0.95, "p50": 0.5}
BEYOND = {"p95": "5 % or more", "p50": "half or more"}


@dataclass(frozen=True, eq=False)
class Entry:
    """One variant in the comparison."""

    title: str
    result: Result
    curve: Curve | None

    @property
    def value(self) -> float:
        """The response time in ms, infinite where failures reach into it."""
        return math.inf if self.result.value is None else self.result.value

    @property
    def words(self) -> str:
        """Value and interval."""
        return f"{number(self.value, self.result.unit)} {interval(self.result.low, self.result.high)}".rstrip()

    def slower_than(self, other: Entry, share: float) -> bool:
        """Whether the intervals lie apart, and the order is the same in every block.

        The intervals see the spread within the run only, which is the smaller part: hence the blocks.
        """
        if self.result.low is None or other.result.high is None or self.result.low <= other.result.high:
            return False
        if self.result.offered != other.result.offered:  # measured at different loads: no order follows
            return False
        ours, theirs = self.curve, other.curve
        if ours is None or theirs is None or ours.blocks.keys() != theirs.blocks.keys():
            return False
        return all(ours.in_block(block, share) > theirs.in_block(block, share) for block in ours.blocks)


def headline(view: View, standing: Standing) -> str:
    """Return the verdict sentence of a run."""
    if standing.smoke_only:
        return SMOKE_BANNER
    if not standing.claims:
        return f"No verdict: {standing.why_not}."
    percentile, entries = _entries(view)
    if not entries:
        return "No verdict: no response time of a prediction is published."
    carried = sorted((entry for entry in entries if math.isfinite(entry.value)), key=lambda entry: entry.value)
    failing = [entry.title for entry in entries if math.isinf(entry.value)]
    parts = [_ranking(view, percentile, carried)] if carried else []
    if failing:
        parts.append(
            f"{listed(failing)} did not carry the load: {BEYOND[percentile]} of the predictions got no good answer"
        )
    more = (_withheld(view, entries), _noise(view, carried), capacity.sentence(view), ratios.crossover(view))
    return " ".join([f"{_context(view)}, {'; '.join(parts)}.", *(words for words in more if words)])


def _entries(view: View) -> tuple[str, list[Entry]]:
    """Return the variants at p95 where all have it, else at p50: ranks at different percentiles would not compare.

    Where a noise floor was measured, a percentile without one is passed over: its differences might be noise.
    """
    found: list[Entry] = []
    curves = {curve.variant: curve for curve in view.curves}
    floors = [percentile for percentile in SHARES if f"response_{percentile}" in view.noise_floor]
    for percentile in floors or SHARES:
        rows = [(name, view.percentile(name, PREDICTION, percentile)) for name in view.variants]
        found = [Entry(view.title(name), row, curves.get(name)) for name, row in rows if row is not None and row.known]
        if len(found) == len(rows):
            break
    return percentile, found


def _ranking(view: View, percentile: str, entries: list[Entry]) -> str:
    """Who was ahead; variants whose interval meets the leader's, or that lie within the noise, share its place."""
    leader, rest = entries[0], entries[1:]
    loud = [entry for entry in rest if view.beyond_noise(f"response_{percentile}", entry.value, leader.value)]
    slower = [entry for entry in loud if entry.slower_than(leader, SHARES[percentile])]
    tied = [entry for entry in rest if entry not in slower]
    if not rest:
        return f"the {percentile} of a prediction was {leader.words} in {leader.title}, with nothing to compare it to"
    if not tied:
        return f"{leader.title} had the lowest {percentile} of a prediction, {leader.words}, ahead of " + listed(
            [f"{entry.title} at {entry.words}" for entry in slower]
        )
    together = listed([f"{entry.title} ({entry.words})" for entry in (leader, *tied)])
    words = f"the {percentile} of a prediction does not tell {together} apart"
    if slower:
        words += f"; slower than {leader.title}: " + listed([f"{entry.title} at {entry.words}" for entry in slower])
    return words


def _context(view: View) -> str:
    """Under which condition the sentence holds, hedged where the run has too few blocks to claim a difference."""
    rate = spread([trial.rate for trial in view.run.trials])
    at_rate = f"at {rate} requests per second" if rate else "at the load of this run"
    if view.low_load:
        at_rate = f"at low load ({view.low_load} predictions per second)"
    if view.blocks >= ENOUGH_BLOCKS:
        return f"On this machine, {at_rate} and over {view.blocks} blocks"
    return f"Seen in one block, which is no claim yet: {at_rate}"


def _withheld(view: View, entries: list[Entry]) -> str:
    shown = {entry.title for entry in entries}
    left_out = [view.title(name) for name in view.variants if view.title(name) not in shown]
    return f"Nothing is said of {listed(left_out)}: its numbers are withheld." if left_out else ""


def _noise(view: View, carried: list[Entry]) -> str:
    """Say when a run that knows of noise floors has none; older runs do not know of them."""
    silent = view.run.floors != () or len(carried) <= 1
    return "" if silent else "The noise floor was not measured, so the order is an observation and no claim."
