"""A round: slices of a server between two of the bare loop. What a server is worth is known within a round only."""

from collections.abc import Sequence
from statistics import median

from bench.gates.thresholds import Thresholds
from runfile.facts import Round

NO_OP, MODEL = "no-op", "efficientnet-lite"
ALONE, CROWD = 1, 8
CLIENTS = {NO_OP: (CROWD,), MODEL: (ALONE, CROWD)}
CASES = {(NO_OP, CROWD): "no-op", (MODEL, ALONE): "alone", (MODEL, CROWD): "8 clients"}
CHANGED = 1.25  # more from one side of what is measured to the other, and nobody knows what it was held against


def median_rate(rounds: Sequence[Round], clients: int = CROWD) -> float:
    """Return right answers per second: the median over rounds, since a pause of the machine hits single slices."""
    return median(each.rate_per_s(clients) for each in rounds if not each.reason)


def changed(before: float, after: float) -> bool:
    """Whether two measurements of the same around another one differ too much for it."""
    return max(before, after) > CHANGED * min(before, after)


def spoiled(limits: Thresholds, this: Round) -> str:
    """Say how clients or machine spoiled a round, "" if they did not. What the server showed is not looked at."""
    slowest = max(each.turnaround_ms or 0.0 for each in this.slices)
    if slowest > limits["G1"].fails:
        return f"the clients took {slowest:.3g} ms to ask again"
    if changed(this.before_ms, this.after_ms):
        return f"the bare loop changed around it, from {this.before_ms:.3g} to {this.after_ms:.3g} ms per photo"
    return ""
