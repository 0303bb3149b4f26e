"""The sentence of the figure of rising load: who holds, who collapses, do bystanders suffer. Feeds `figures.py`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reports.by_rate import GOODPUT, short
from reports.captions import ILLUSTRATION
from reports.view import BYSTANDERS, ENOUGH_BLOCKS, PREDICTION
from reports.wording import digits, listed, number, rate

if TYPE_CHECKING:
    from reports.results import Result
    from reports.view import View

HELD = 0.9  # of the offered rate: the SLO forgives some, and a step of a few seconds cannot tell the rest
COLLAPSED = 0.5  # of the own peak: a smaller loss would need more trials than a quick run has


def sentence(view: View, *, claims: bool) -> str:
    """Return the finding; an illustration where nothing may be claimed, "" where the rows carry none."""
    if not claims:
        return ILLUSTRATION.format("response time and goodput by offered rate")
    parts = [words for words in (_goodput(view), _bystanders(view)) if words]
    said = f"{'; '.join(parts)}." if parts else ""
    return f"Seen in one block: {said}" if said and view.blocks < ENOUGH_BLOCKS else said[:1].upper() + said[1:]


def _goodput(view: View) -> str:
    """Tell the goodput at the highest rate that all were offered."""
    top = next(reversed(view.common_rates(PREDICTION, GOODPUT)), None)
    if top is None:
        return ""
    found = [_outcome(view, name, top) for name in view.variants]
    said = listed([words for words in found if words])
    return f"offered {rate(top)} predictions per second, {said}" if said else ""


def _outcome(view: View, name: str, top: float) -> str:
    rows = [row for row in view.results.by_rate(name, PREDICTION, GOODPUT) if (row.offered or 0.0) <= top]
    known = [row for row in rows if row.value is not None]
    if not known or known[-1].offered != top:
        return ""
    last, peak, title = known[-1], max(known, key=lambda row: row.value or 0.0), view.title(name)
    answered = f"{digits(last.value or 0.0)} answered in time"
    if _least(last) >= HELD * top:
        return f"{title} held ({answered})"
    if _most(last) < COLLAPSED * _least(peak):
        return f"{title} collapsed ({answered}, after {digits(peak.value or 0.0)} at {rate(peak.offered)})"
    return f"{title} neither held nor collapsed ({answered})"


def _least(row: Result) -> float:
    return (row.value or 0.0) if row.low is None else row.low


def _most(row: Result) -> float:
    return (row.value or 0.0) if row.high is None else row.high


def _bystanders(view: View) -> str:
    """Tell whose bystanders got slower although their own rate never rose."""
    case = next((each for each in BYSTANDERS if each in view.cases), "")
    if not case:
        return ""
    comparable = [name for name in view.variants if any(_ends(view, name, case, each) for each in ("p95", "p50"))]
    slowed = [f"{view.title(name)} ({words})" for name in comparable if (words := _slowdown(view, name, case))]
    if slowed:
        return f"{short(case).lower()} got slower in {listed(slowed)}"
    return f"{short(case).lower()} got measurably slower in none" if comparable else ""


def _slowdown(view: View, name: str, case: str) -> str:
    """Return the percentile that rose beyond its interval and the noise floor, "" where none did."""
    for percentile in ("p95", "p50"):
        ends = _ends(view, name, case, percentile)
        if ends is None:
            continue
        first, last = ends
        before, after = first.value or 0.0, last.value or 0.0
        apart = first.high is not None and last.low is not None and last.low > first.high
        if math.isinf(after) or (apart and view.beyond_noise(f"response_{percentile}", after, before)):
            return f"{percentile} {number(before, 'ms')} at low load, {number(after, 'ms')} at {rate(last.offered)}"
    return ""


def _ends(view: View, name: str, case: str, percentile: str) -> tuple[Result, Result] | None:
    """Return the lowest step and the highest one that has this number; None where they are the same."""
    rows = view.results.by_rate(name, case, f"response_{percentile}")
    known = [row for row in rows if row.known and row.value is not None]
    if len(known) <= 1 or known[0] is not rows[0] or math.isinf(known[0].value or 0.0):
        return None
    return known[0], known[-1]
