"""The gates in the order of what a reader must know: those that did not pass first."""

from collections import Counter
from collections.abc import Sequence

from runfile.facts import Gate

ORDER = ("fail", "warn", "not judged", "pass")
TALLY = {"pass": "passed", "warn": "passed with a warning", "fail": "failed", "not judged": "not judged"}
MARKS = {"pass": ("met", "✓"), "warn": ("warned", "!"), "fail": ("missed", "✕"), "not judged": ("", "\N{EN DASH}")}


def tally(gates: Sequence[Gate]) -> str:
    """Return how many gates passed, warned, failed and were not judged."""
    counts = Counter[str](gate.verdict for gate in gates)
    return ", ".join(f"{counts[name]} {words}" for name, words in TALLY.items() if counts[name]) or "none judged"


def worst_first(gates: Sequence[Gate]) -> list[Gate]:
    """Return the gates in order of their verdicts."""
    return sorted(gates, key=lambda gate: ORDER.index(gate.verdict))


def mark(gate: Gate) -> tuple[str, str]:
    """Return a class for the eye and a sign that does without colour; the verdict's words stand beside it."""
    return MARKS[gate.verdict]
