"""How much load an architecture carries within its SLO, as brackets in words."""

from reports.reading.view import View
from reports.wording import exact, listed, rate
from runfile.facts import Capacity, Latency

UNDECIDED = "undecided"


def brackets(view: View[Latency]) -> list[tuple[str, str, Capacity]]:
    """Return the brackets of the architectures in their order, each with its bounds and its objective in words."""
    found = [each for name in view.variants for each in view.found.capacity if each.variant == name]
    return [(words(each), slo(each), each) for each in found]


def words(bracket: Capacity) -> str:
    """Return a bracket in words, without its unit; a bound that no measured rate gives is not made up."""
    if bracket.low is not None and bracket.high is not None:
        return f"between {rate(bracket.low)} and {rate(bracket.high)}"
    if bracket.low is not None:
        return f"at least {rate(bracket.low)}"
    return UNDECIDED if bracket.high is None else f"below {rate(bracket.high)}"


def slo(bracket: Capacity) -> str:
    """Return the objective in words."""
    return f"at most {exact(bracket.share, 'share')} slower than {exact(bracket.slo_ms, 'ms')}"


def sentence(view: View[Latency]) -> str:
    """Return all brackets in one sentence; "" where there is none, or where they are of different objectives."""
    found = brackets(view)
    objectives = {(objective, each.error) for _, objective, each in found}
    if len(objectives) != 1 or all(bounds == UNDECIDED for bounds, *_ in found):
        return ""
    ((objective, error),) = objectives
    said = listed([f"{bounds} in {view.title(each.variant)}" for bounds, _, each in found])
    risk = f"each wrong with probability at most {exact(error, 'share')}"
    return f"With {objective}, the capacity in predictions per second is {said}, {risk}."
