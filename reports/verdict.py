"""The one sentence at the top, made from the data and never claiming more than they carry. Sits above `view.py`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.standing import SMOKE_BANNER
from reports.view import PREDICTION
from reports.wording import interval, listed, number, spread

if TYPE_CHECKING:
    from reports.results import Result
    from reports.samples import Curve
    from reports.standing import Standing
    from reports.view import View

ENOUGH_BLOCKS = 2  # a trial is the unit: with one per variant there is no spread to compare a difference with
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
    parts = [_ranking(percentile, carried)] if carried else []
    if failing:
        parts.append(
            f"{listed(failing)} did not carry the load: {BEYOND[percentile]} of the predictions got no good answer"
        )
    return _sentence(_context(view), parts, _withheld(view, entries))


def _entries(view: View) -> tuple[str, list[Entry]]:
    """Return the variants at p95 where all have it, else at p50: ranks at different percentiles would not compare."""
    found: list[Entry] = []
    curves = {curve.variant: curve for curve in view.curves}
    for percentile in ("p95", "p50"):
        rows = [(name, view.percentile(name, PREDICTION, percentile)) for name in view.variants]
        found = [Entry(view.title(name), row, curves.get(name)) for name, row in rows if row is not None and row.known]
        if len(found) == len(rows):
            return percentile, found
    return "p50", found


def _ranking(percentile: str, entries: list[Entry]) -> str:
    """Who was ahead; variants whose interval meets the leader's share its place."""
    leader, rest = entries[0], entries[1:]
    slower = [entry for entry in rest if entry.slower_than(leader, SHARES[percentile])]
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
    count = blocks(view)
    if count >= ENOUGH_BLOCKS:
        return f"On this machine, {at_rate} and over {count} blocks"
    return f"Seen in one block, which is no claim yet: {at_rate}"


def blocks(view: View) -> int:
    """How often every variant was measured: the smallest number of blocks over the variants."""
    seen = [{trial.block for trial in view.run.trials if trial.variant == name} for name in view.variants]
    return min((len(each) for each in seen), default=0)


def _withheld(view: View, entries: list[Entry]) -> str:
    shown = {entry.title for entry in entries}
    left_out = [view.title(name) for name in view.variants if view.title(name) not in shown]
    return f" Nothing is said of {listed(left_out)}: its numbers are withheld." if left_out else ""


def _sentence(context: str, parts: list[str], after: str) -> str:
    return f"{context}, {'; '.join(parts)}.{after}"
