"""The loads at which variants are compared: a rate that all were offered, or a share of each one's own capacity."""

from collections.abc import Iterator
from dataclasses import dataclass

from reports.reading.results import PREDICTION
from reports.reading.view import View
from reports.wording import rate
from runfile.facts import Latency, Step

NEAR = 0.1  # shares of capacity that differ by less, relatively, are about the same


@dataclass(frozen=True)
class Load:
    """One load: its name, and the predictions per second that each variant was offered; who was not is absent."""

    title: str
    rates: dict[str, float]


def loads(view: View[Latency]) -> list[Load]:
    """Return every load that anybody was offered, rising."""
    rates = {name: offered(view, name) for name in view.variants}
    common = set.intersection(*map(set, rates.values())) if rates else set()
    own = {
        name: {each: f"{share:.2g}" for each, share in shares(view, name).items() if each not in common}
        for name in rates
    }
    shared = set.intersection(*(set(each.values()) for each in own.values())) if own else set()
    found: dict[str, dict[str, float]] = {}
    for name, series in rates.items():
        for each in series:
            share = own[name].get(each, "")
            title = f"{share} x own capacity" if share in shared else f"{rate(each)} per second"
            found.setdefault(title, {})[name] = each
    return sorted((Load(*each) for each in found.items()), key=lambda load: min(load.rates.values()))


def offered(view: View[Latency], name: str) -> list[float]:
    """Return the predictions per second that a variant was offered, rising."""
    rows = view.results.by_rate(name, PREDICTION, "response_p50")
    return [row.offered_per_s for row in rows if row.offered_per_s is not None]


def shares(view: View[Latency], name: str) -> dict[float, float]:
    """Return which share of its own capacity each rate of a variant is, as far as the run says."""
    return {step.rate_per_s: step.of_capacity for step in staircase(view, name) if step.of_capacity is not None}


def staircase(view: View[Latency], name: str) -> list[Step]:
    """Return the steps that a variant climbed alone, of the trial that climbed most."""
    trials = [list(trial.steps) for trial in view.found.counted if trial.variant == name]
    return max(trials, key=len, default=[])


def turns(view: View[Latency]) -> Iterator[Step]:
    """Yield the turns of the variants at low load that count."""
    for trial in view.found.counted:
        yield from (step for step in trial.steps if not trial.variant and not step.reason)


def topmost(view: View[Latency]) -> dict[str, float]:
    """Return for each variant the rate at the highest multiple of its own capacity that all were offered, about.

    Where the run knows no capacities it is the highest rate of each.
    """
    known = {name: shares(view, name) for name in view.variants}
    top = min((max(each.values()) for each in known.values() if each), default=0.0)
    found = {}
    for name, each in known.items():
        close = [own for own, share in each.items() if abs(share - top) <= NEAR * top]
        rates = close or offered(view, name)
        if rates:
            found[name] = rates[-1] if not close else min(close, key=lambda own: abs(each[own] - top))
    return found
