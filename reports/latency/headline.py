"""The sentences at the top: what the ratios at the lowest common rate say, and nothing beyond."""

import math
from collections.abc import Iterator, Sequence

from reports.latency import capacity, ratios
from reports.reading.results import PREDICTION
from reports.reading.standing import Standing
from reports.reading.view import View
from reports.wording import around, interval, listed, number, rate
from runfile.facts import Latency, Ratio, Variant
from runfile.rows import ResultRow

MEDIAN = "response_p50"


def headline(view: View[Latency], standing: Standing) -> str:
    """Return the verdict of a run."""
    if not standing.claims:
        return standing.words
    common = view.common_rates(PREDICTION, MEDIAN)
    if not common:
        return "No verdict: no response time of a prediction is published at a rate that all were offered."
    return " ".join(words for words in (_at(view, common[0]), capacity.sentence(view), ratios.crossover(view)) if words)


def _at(view: View[Latency], offered: float) -> str:
    """Tell all that is known at one rate: who differs from whom, who failed, of whom nothing is known."""
    rows = {name: view.results.at(name, PREDICTION, MEDIAN, offered) for name in view.variants}
    known = {name: row for name, row in rows.items() if row is not None and row.known}
    carried = sorted((name for name in known if not _failed(known[name])), key=lambda name: known[name].value or 0.0)
    parts = list(_pairs(view, offered, carried, known))
    if len(carried) == 1:
        (name,) = carried
        parts.append(
            f"the median prediction took {_ms(known[name])} in {view.title(name)}, with nothing to compare it to"
        )
    if failing := [view.title(name) for name in known if _failed(known[name])]:
        parts.append(f"{listed(failing)} did not carry the load: half or more of the predictions got no good answer")
    if silent := [view.title(name) for name in rows if name not in known]:
        parts.append(f"nothing is said of {listed(silent)}: its numbers are withheld")
    return f"At {rate(offered)} predictions per second, {'; '.join(parts)}."


def _failed(row: ResultRow) -> bool:
    return row.value is not None and math.isinf(row.value)


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
            elif span == 1:
                yield _alike(view, ratio) if ratio else _uncompared(view, names[first], names[last])


def _differ(view: View[Latency], ratio: Ratio, medians: dict[str, ResultRow]) -> str:
    left, right = view.title(ratio.left), view.title(ratio.right)
    how = "of the time of" if (ratio.value or 0.0) < 1 else "times as long as"
    times = f"{_ms(medians[ratio.left])} against {_ms(medians[ratio.right])}"
    return f"{_prediction(view, ratio.left)} of {left} took {_shown(ratio)} {how} {right}: {times}"


def _alike(view: View[Latency], ratio: Ratio) -> str:
    return f"{view.title(ratio.left)} and {view.title(ratio.right)} cannot be told apart ({_shown(ratio)}{_why(ratio)})"


def _uncompared(view: View[Latency], first: str, last: str) -> str:
    return f"{view.title(first)} and {view.title(last)} were not compared"


def _why(ratio: Ratio) -> str:
    """Return why a ratio that may look like a difference is none, "" where its interval says so."""
    if ratio.low is None or ratio.high is None:
        return ", seen in one block" if ratio.n <= 1 else ", without an interval"
    if ratio.floor_half_width is None:
        return f", {ratios.NOT_MEASURED}"
    return "" if ratio.low <= 1 <= ratio.high else f", noise floor {around(ratio.floor_half_width)}"


def _shown(ratio: Ratio) -> str:
    return f"{number(ratio.value)} {interval(ratio.low, ratio.high)}".rstrip()


def _ms(row: ResultRow) -> str:
    return number(row.value, "ms")


def _prediction(view: View[Latency], name: str) -> str:
    """Return what answers: whoever runs the model in nothing but its refresh has stored the answer before."""
    variant: Variant | None = next((each for each in view.run.variants if each.name == name), None)
    models = [each for each in variant.processes if "model" in each.roles] if variant else []
    stored = bool(models) and all("refresh" in each.roles for each in models)
    return "a stored prediction" if stored else "a prediction"
