"""Ratios between architectures beside the noise floor that they must exceed: the only place where anything differs."""

from reports.reading.results import PREDICTION
from reports.reading.view import View
from reports.wording import around, metric, rate
from runfile.facts import Floor, Latency, Ratio

HEADLINE = (PREDICTION, "response_p50")
NOT_MEASURED = "noise floor not measured"


def claimed(ratio: Ratio) -> bool:
    """Whether a ratio is a difference. Whatever the run says, nothing is without a noise floor."""
    return ratio.claim and ratio.floor_half_width is not None


def between_architectures(view: View[Latency]) -> list[Ratio]:
    """Return the ratios; an arm is compared with nothing."""
    return [each for each in view.found.ratios if not {each.left, each.right} & view.arms]


def of_medians(view: View[Latency]) -> list[Ratio]:
    """Return the ratios that a decision is read from."""
    return [each for each in between_architectures(view) if (each.case, each.metric) == HEADLINE]


def floors(view: View[Latency]) -> list[Floor]:
    """Return the noise floors that bound anything, at low load first."""
    known = [each for each in view.found.noise_floor or () if each.half_width is not None]
    return sorted(known, key=lambda each: each.offered_per_s or 0.0)


def floor_sentence(view: View[Latency]) -> str:
    """Return the noise floor at low load, or that there is none."""
    found = floors(view)
    if not found:
        return "Noise floor not measured: no ratio below is a claim."
    again = next((view.title(arm.of) for arm in view.found.arms if arm.kind == "A/A"), "one architecture")
    said = f"{_floor(found[0])}, found by measuring {again} twice in {found[0].n} blocks"
    return f"Noise floor: {said}. No smaller difference is claimed."


def floor_note(view: View[Latency]) -> str:
    """Return the noise floor as a note beside a promise, which is about low load."""
    found = floors(view)
    return f"noise floor {_floor(found[0])}" if found else NOT_MEASURED


def _floor(floor: Floor) -> str:
    at = "" if floor.offered_per_s is None else f" at {rate(floor.offered_per_s)} per second"
    return f"{around(floor.half_width or 0.0)} in {metric(floor.metric)}{at}"


def crossover(view: View[Latency]) -> str:
    """Return where the order of two architectures changes, in one sentence; "" where the run does not know."""
    found = view.found.crossover
    if found is None or {found.left, found.right} & view.arms:
        return ""
    bounds = {"above": found.low, "below": found.high}
    place = " and ".join(f"{word} {rate(bound)}" for word, bound in bounds.items() if bound is not None)
    pair = f"{view.title(found.left)} and {view.title(found.right)}"
    return f"The order of {pair} in {metric(found.metric)} changes {place} predictions per second." if place else ""
