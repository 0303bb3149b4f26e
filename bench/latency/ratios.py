"""Variants against each other: ratios at every common rate, the noise floor of equal systems, the crossover. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from bench.statistics.estimates import Estimate
from bench.statistics.noise import claim, half_width, noise_floor
from bench.statistics.quantities import Quantities
from bench.statistics.steps import PREDICTION, Full

CASE = PREDICTION
METRICS = ("response_p50", "response_p95")
NO_FLOOR = Estimate(None, None, None, 0)


@dataclass(frozen=True)
class Ratio:
    """left / right of one metric at one offered rate, with the noise floor that it must stand out of to be a claim."""

    left: str
    right: str
    metric: str
    rate: float
    estimate: Estimate
    floor: Estimate

    @property
    def claimed(self) -> bool:
        """Whether it may be called a difference."""
        return claim(self.estimate, self.floor)

    @property
    def sign(self) -> int:
        """1: left is slower, -1: faster, 0: cannot be told."""
        if not self.claimed or self.estimate.value is None:
            return 0
        return 1 if self.estimate.value > 1 else -1


Floors = dict[tuple[str, float], Estimate]


def floors(found: Quantities, again: str, first: str, skip: Full) -> Floors:
    """Return the ratios of two equal systems by metric and rate, where neither is saturated."""
    rates = [rate for rate in found.rates(again) if not {(again, CASE, rate), (first, CASE, rate)} & skip]
    return {(metric, rate): ratio(found, again, first, metric, rate) for metric in METRICS for rate in rates}


def floor_for(known: Floors, metric: str, rate: float) -> Estimate:
    """Return the floor for a ratio: the one of its rate; at rates without, the widest of its metric."""
    own = [floor for (name, _), floor in known.items() if name == metric]
    return known.get((metric, rate)) or max(own, key=half_width, default=NO_FLOOR)


def ratio(found: Quantities, left: str, right: str, metric: str, rate: float) -> Estimate:
    """Return left / right at a rate, paired over the blocks that both have."""
    over, under = (found.by_block(name, CASE, metric, rate) for name in (left, right))
    blocks = sorted(over.keys() & under.keys())
    return noise_floor([over[block] for block in blocks], [under[block] for block in blocks])


def ratios(found: Quantities, variants: Sequence[str], known: Floors, skip: Full) -> list[Ratio]:
    """Return all ratios of two variants at the rates that both were offered and neither was saturated by."""
    table = []
    for right, left in combinations(variants, 2):
        common = sorted(set(found.rates(left)) & set(found.rates(right)))
        for metric in METRICS:
            for rate in common:
                if not {(left, CASE, rate), (right, CASE, rate)} & skip:
                    estimate, floor = ratio(found, left, right, metric, rate), floor_for(known, metric, rate)
                    table.append(Ratio(left, right, metric, rate, estimate, floor))
    return [each for each in table if each.estimate.value is not None]


@dataclass(frozen=True)
class Crossover:
    """Below `low` one of two variants is surely faster, from `high` on the other; rates of predictions per second."""

    left: str
    right: str
    metric: str
    low: float
    high: float
    words: str


def crossover(table: Sequence[Ratio], metric: str = METRICS[0]) -> Crossover | None:
    """Return the first change of sign between two rates, over all pairs; None where there is none that is sure."""
    pairs = dict.fromkeys((each.left, each.right) for each in table)
    for left, right in pairs:
        signs = [
            (each.rate, each.sign)
            for each in table
            if (each.left, each.right, each.metric) == (left, right, metric) and each.sign
        ]
        for (low, before), (high, after) in pairwise(signs):
            if before != after:
                slow, fast = (left, right) if after > 0 else (right, left)
                words = f"{slow} is faster up to {low:.3g} predictions per second, {fast} from {high:.3g} on"
                return Crossover(left, right, metric, low, high, words)
    return None
