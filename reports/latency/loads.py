"""The loads at which variants are compared: a rate that all were offered, or a share of each one's own capacity."""

from collections import Counter
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
    """Return every load that anybody was offered, rising: by its rate, or as a share that several have of their own."""
    equal = common(view)
    own = {
        name: {each: f"{share:.2g}" for each, share in shares(view, name).items() if each not in equal}
        for name in view.variants
    }
    having = Counter(share for each in own.values() for share in set(each.values()))
    found: dict[str, dict[str, float]] = {}
    for name in view.variants:
        for each in offered(view, name):
            share = own[name].get(each, "")
            title = f"{share} x own capacity" if having[share] > 1 else f"{rate(each)} per second"
            found.setdefault(title, {})[name] = each
    return sorted((Load(*each) for each in found.items()), key=lambda load: min(load.rates.values()))


def offered(view: View[Latency], name: str) -> list[float]:
    """Return the predictions per second that a variant was offered, rising."""
    rows = (row for row in view.results.rows if (row.variant, row.case) == (name, PREDICTION))
    return sorted({row.offered_per_s for row in rows if row.offered_per_s is not None})


def common(view: View[Latency]) -> list[float]:
    """Return the rates, rising, that all were offered of whom the run says any."""
    rates = [set(each) for name in view.variants if (each := offered(view, name))]
    return sorted(set.intersection(*rates)) if rates else []


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


def topmost(view: View[Latency]) -> Load:
    """Return the highest multiple of their own capacities that all were offered, about; else the highest rate of each.

    Of whom the run knows no multiple, nothing is said at one.
    """
    known = {name: each for name in view.variants if (each := shares(view, name))}
    for top in sorted({share for each in known.values() for share in each.values()}, reverse=True):
        near = {name: _nearest(each, top) for name, each in known.items()}
        if all(abs(known[name][own] - top) <= NEAR * top for name, own in near.items()):
            return Load(f"about {top:.2g} times their own capacity", near)
    return Load("their highest rates", {name: every[-1] for name in view.variants if (every := offered(view, name))})


def _nearest(own: dict[float, float], top: float) -> float:
    """Return the rate whose share of capacity is nearest."""
    return min(own, key=lambda each: abs(own[each] - top))
