"""The sentences at the top: what the ratios at the lowest common rate say, and nothing beyond."""

import math
from collections.abc import Iterator, Sequence

from reports.latency import capacity, ratios
from reports.latency.loads import common
from reports.reading.results import PREDICTION
from reports.reading.standing import Standing
from reports.reading.view import View
from reports.wording import around, interval, listed, number, rate
from runfile.facts import Latency, Ratio
from runfile.rows import ResultRow

MEDIAN = "response_p50"


def headline(view: View[Latency], standing: Standing) -> str:
    """Return the verdict of a run."""
    if not standing.claims:
        return standing.words
    rates = common(view)
    if not rates:
        return "No verdict: no response time of a prediction is published at a rate that all were offered."
    return " ".join(words for words in (_at(view, rates[0]), capacity.sentence(view), ratios.crossover(view)) if words)


def _at(view: View[Latency], offered: float) -> str:
    """Tell all that is known at one rate: who differs from whom, who failed, of whom nothing is known."""
    rows = {name: view.results.at(name, PREDICTION, MEDIAN, offered) for name in view.variants}
    known = {name: row for name, row in rows.items() if row is not None and row.known}
    failing = [name for name, row in known.items() if row.value == math.inf]
    carried = sorted((name for name in known if name not in failing), key=lambda name: known[name].value or 0.0)
    parts = list(_pairs(view, offered, carried, known))
    if len(carried) == 1:
        took = f"the median prediction took {number(known[carried[0]].value, 'ms')} in {view.title(carried[0])}"
        parts.append(f"{took}, with nothing to compare it to")
    if failing:
        who = listed([view.title(name) for name in failing])
        parts.append(f"{who} did not carry the load: half or more of the predictions got no good answer")
    if silent := [view.title(name) for name in rows if name not in known]:
        parts.append(f"nothing is said of {listed(silent)}: its numbers are withheld")
    return f"At {rate(offered)} predictions per second, {'; '.join(parts)}."


def _pairs(view: View[Latency], offered: float, names: Sequence[str], medians: dict[str, ResultRow]) -> Iterator[str]:
    """Compare neighbours, the fastest first, and others where only they differ.

    A chain of neighbours says all that is known, unless each cannot be told from the next and yet the ends differ.
    """
    found = {
        frozenset((each.left, each.right)): each for each in ratios.of_medians(view) if each.offered_per_s == offered
    }
    differ: list[tuple[int, int]] = []
    for span in range(1, len(names)):
        for first in range(len(names) - span):
            last = first + span
            ratio = found.get(frozenset((names[first], names[last])))
            inside = any(first <= low and high <= last for low, high in differ)
            if ratio is not None and ratios.claimed(ratio) and not inside:
                differ.append((first, last))
                yield _differ(view, ratio, medians)
            elif span == 1 and ratio is not None:
                pair = f"{view.title(ratio.left)} and {view.title(ratio.right)}"
                yield f"{pair} cannot be told apart ({_shown(ratio)}{_why(ratio)})"
            elif span == 1:
                yield f"{view.title(names[first])} and {view.title(names[last])} were not compared"


def _differ(view: View[Latency], ratio: Ratio, medians: dict[str, ResultRow]) -> str:
    """Tell who is faster; where one answer was stored and the other computed, that is what the reader came for."""
    left, right = view.title(ratio.left), view.title(ratio.right)
    kinds = _kind(view, ratio.left), _kind(view, ratio.right)
    if set(kinds) == {"stored", "live"}:
        left, right = f"a {kinds[0]} prediction ({left})", f"a {kinds[1]} one ({right})"
    how = "faster" if (ratio.value or 0.0) < 1 else "slower"
    times = " against ".join(number(medians[name].value, "ms") for name in (ratio.left, ratio.right))
    return f"{left} is {how} than {right}: it took {_shown(ratio)} times as long, {times}"


def _kind(view: View[Latency], name: str) -> str:
    """Return whether answers are stored, by whoever runs the model in nothing but a refresh, or live; "" if unknown."""
    processes = [each for variant in view.run.variants if variant.name == name for each in variant.processes]
    refreshes = {"refresh" in each.roles for each in processes if "model" in each.roles}
    return "" if len(refreshes) != 1 else "stored" if refreshes.pop() else "live"


def _shown(ratio: Ratio) -> str:
    return f"{number(ratio.value)} {interval(ratio.low, ratio.high)}".rstrip()


def _why(ratio: Ratio) -> str:
    """Return why a ratio that may look like a difference is none, "" where its interval says so."""
    if ratio.low is None or ratio.high is None:
        return ", seen in one block" if ratio.n <= 1 else ", without an interval"
    if ratio.floor_half_width is None:
        return f", {ratios.NOT_MEASURED}"
    return "" if ratio.low <= 1 <= ratio.high else f", noise floor {around(ratio.floor_half_width)}"
