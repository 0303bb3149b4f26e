"""The gates in the order of what a reader must know: those that did not pass first. Sits above `judgements.py`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reports.judgements import FAIL, NOT_JUDGED, PASS, WARN

if TYPE_CHECKING:
    from reports.judgements import Gate
    from reports.record import Run

ORDER = (FAIL, WARN, NOT_JUDGED)
TALLY = {PASS: "passed", WARN: "passed with a warning", FAIL: "failed", NOT_JUDGED: "not judged"}
MARKS = {PASS: ("met", "✓"), WARN: ("warned", "!"), FAIL: ("missed", "✕")}


def tally(run: Run) -> str:
    """Return how many gates passed, warned, failed and were not judged."""
    counts = Counter(gate.verdict for gate in run.gates)
    named = {**TALLY, **{verdict: verdict for verdict in counts if verdict not in TALLY}}
    return (
        ", ".join(f"{counts[verdict]} {words}" for verdict, words in named.items() if counts[verdict]) or "none judged"
    )


def noticed(run: Run) -> list[Gate]:
    """Return the gates that did not simply pass, the worst first."""
    found = [gate for gate in run.gates if gate.verdict != PASS]
    return sorted(found, key=lambda gate: ORDER.index(gate.verdict) if gate.verdict in ORDER else len(ORDER))


def passed(run: Run) -> list[Gate]:
    """Return the gates that passed."""
    return [gate for gate in run.gates if gate.verdict == PASS]


def mark(gate: Gate) -> tuple[str, str]:
    """Return a class for the eye and a sign that does without colour; the verdict's words stand beside it."""
    return MARKS.get(gate.verdict, ("", "\N{EN DASH}"))
