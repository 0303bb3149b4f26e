"""Variants against each other: ratios at every common rate, the noise floor of equal systems, the crossover. Pure.

What is compared is paired. Variants that take turns get the same requests in every round, so each has its twin: the
same photo at the same moment of the turn, seconds apart. A block is worth the median over its twins; where there are
none, as with the bare model, the median over rounds. One rule for a difference: `noise.claim`.
"""

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Literal

import numpy as np

from bench.statistics import estimates
from bench.statistics.estimates import Estimate, Floats, finite
from bench.statistics.noise import claim, half_width
from bench.statistics.quantities import MEDIAN, RAW_LIMIT, Quantities, paired, parse
from bench.statistics.steps import PREDICTION, Full
from runfile.facts import Crossover, Floor, Ratio

CASE = PREDICTION
METRICS = ("response_p50", "response_p95")
NO_FLOOR = Estimate(None, None, None, 0)

Side = tuple[str, str, str, float | None]  # variant, case, metric, and the rate: None is low load
Rated = tuple[str, str, str, float]
How = Literal["ratio", "difference"]


def compare(found: Quantities, left: Side, right: Side, how: How) -> Estimate:
    """Return left / right or left - right over all blocks that have both, with its interval over blocks."""
    values = by_block(found, left, right, how)
    return estimates.paired_ratio(values, [1.0] * len(values)) if how == "ratio" else estimates.mean(values)


def by_block(found: Quantities, left: Side, right: Side, how: How) -> list[float]:
    """Return one value for each block in which both sides were measured; where both failed, nothing can be said."""
    with np.errstate(invalid="ignore", divide="ignore"):
        both = [over / under if how == "ratio" else over - under for over, under in pairs_of(found, left, right)]
    told = [each[~np.isnan(each)] for each in both]
    return [float(np.median(each)) for each in told if len(each)]


def pairs_of(found: Quantities, left: Side, right: Side) -> Sequence[tuple[Floats, Floats]]:
    """Return both sides by block: twins, medians by round, or other percentiles of all common rounds."""
    sides = [(*side[:3], found.low(side[0]) if side[3] is None else side[3]) for side in (left, right)]
    if all(parse(metric)[1] == MEDIAN for _, _, metric, _ in sides):
        return twins(found, *sides) or paired(*(found.by_round(*side) for side in sides))
    both = common(found, sides)
    whole = [{block: {0: value} for block, value in both.by_block(*side).items()} for side in sides]
    return paired(*whole)


def twins(found: Quantities, left: Rated, right: Rated) -> Sequence[tuple[Floats, Floats]]:
    """Return the samples of both sides by block, twin beside twin; nothing where they did not get the same requests."""
    if left[1] != right[1] or RAW_LIMIT in {left[0], right[0]}:
        return []
    one, other = (found.rounds((name, case, rate, parse(metric)[0])) for name, case, metric, rate in (left, right))
    pairs = []
    for block in sorted(one.keys() & other.keys()):
        numbers = sorted(one[block].keys() & other[block].keys())
        if any(len(one[block][number]) != len(other[block][number]) for number in numbers):
            return []
        if numbers:
            over, under = (np.concatenate([side[block][number] for number in numbers]) for side in (one, other))
            pairs.append((over, under))
    return pairs


def common(found: Quantities, sides: Sequence[Rated]) -> Quantities:
    """Return the samples of two sides, of the rounds that both have."""
    keys = [(variant, case, rate, parse(metric)[0]) for variant, case, metric, rate in sides]
    both = Quantities()
    for key, other in (keys, keys[::-1]):
        for block, rounds in found.rounds(key).items():
            for number in rounds.keys() & found.rounds(other).get(block, {}).keys():
                both.add(key, block, rounds[number], number)
    return both


Floors = dict[tuple[str, float], Estimate]


def floors(found: Quantities, again: str, first: str) -> Floors:
    """Return the ratios of two equal systems by metric and rate."""
    rates = [rate for rate in found.rates(again) if rate in found.rates(first)]
    return {(metric, rate): ratio(found, again, first, metric, rate) for metric in METRICS for rate in rates}


def ratio(found: Quantities, left: str, right: str, metric: str, rate: float) -> Estimate:
    """Return left / right of the predictions at a rate."""
    return compare(found, (left, CASE, metric, rate), (right, CASE, metric, rate), "ratio")


def ratios(found: Quantities, variants: Sequence[str], known: Floors, skip: Full) -> list[Ratio]:
    """Return all ratios of two variants at the rates that both were offered and neither was saturated by."""
    table = []
    for right, left in combinations(variants, 2):
        common = sorted(set(found.rates(left)) & set(found.rates(right)))
        for metric in METRICS:
            for rate in common:
                if not {(left, CASE, rate), (right, CASE, rate)} & skip:
                    estimate, floor = ratio(found, left, right, metric, rate), known.get((metric, rate), NO_FLOOR)
                    table.append(fact(left, right, metric, rate, estimate, floor))
    return [each for each in table if each.value is not None]


def fact(left: str, right: str, metric: str, rate: float, estimate: Estimate, floor: Estimate) -> Ratio:
    """Return a ratio for run.json; where its rate has no noise floor, nothing is claimed."""
    return Ratio(
        left, right, CASE, metric, rate, estimate.value, estimate.low, estimate.high, estimate.n,
        claim=claim(estimate, floor), floor_half_width=finite(half_width(floor)),
    )  # fmt: skip


def floor_facts(known: Floors) -> tuple[Floor, ...]:
    """Return the noise floors for run.json."""
    return tuple(
        Floor(metric, rate, each.value, each.low, each.high, each.n, finite(half_width(each)))
        for (metric, rate), each in known.items()
    )


def crossover(table: Sequence[Ratio], metric: str = METRICS[0]) -> Crossover | None:
    """Return the first change of sign between two rates, over all pairs; None where there is none that is sure."""
    for left, right in dict.fromkeys((each.left, each.right) for each in table):
        same = [each for each in table if (each.left, each.right, each.metric) == (left, right, metric) and each.claim]
        signs = [(each.offered_per_s or 0.0, (each.value or 0.0) > 1) for each in same]
        for (low, before), (high, after) in pairwise(signs):
            if before != after:
                slow, fast = (left, right) if after else (right, left)
                words = f"{slow} is faster up to {low:.3g} predictions per second, {fast} from {high:.3g} on"
                return Crossover(left, right, metric, low, high, words)
    return None
