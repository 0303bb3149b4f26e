"""The table of the comparison: a row per variant, offered rate, case and metric, and one per capacity. Pure.

A difference is told when it is larger than the noise floor of both runs, and surely more than the machine alone may
have done: the chance that any row of the table is wrongly told is 5 % (Holm 1979).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.comparing.blocks import GOODPUT, NOTHING, PERCENTILES, PREDICTION, Values, mean, nearly
from bench.comparing.capacities import capacity_row
from bench.comparing.machine import Band, amplification
from bench.comparing.row import UNTOLD, Row, widest
from bench.comparing.side import Side
from bench.comparing.welch import effect
from bench.statistics.estimates import CONFIDENCE
from bench.statistics.noise import holm


def compare(base: Side, new: Side, band: Band | None) -> list[Row]:
    """Return the rows of all variants that both runs have, with verdicts. `band`: see `machine.band`."""
    variants = [name for name in base.variants if name in new.variants]
    rows = [
        measured(base, new, (variant, *which), rates, band)
        for variant in variants
        for rates in common_rates(*(side.blocks.found.rates(variant) for side in (base, new)))
        for which in declared(base, variant)
    ]
    adjusted = holm([row.p for row in rows])
    judged = [judge(row, p) for row, p in zip(rows, adjusted, strict=True)]
    return judged + [capacity_row(base, new, variant, band) for variant in variants]


def common_rates(base: Sequence[float], new: Sequence[float]) -> list[tuple[float, float]]:
    """Return the pairs of nearly the same offered rates, rising; the lowest of both, low load, are always a pair."""
    pairs = list(zip(base[:1], new[:1], strict=False))
    for rate in base[1:]:
        nearest = min(new[1:], key=lambda other: abs(other - rate), default=0.0)
        if nearly(rate, nearest):
            pairs.append((rate, nearest))
    return pairs


def declared(side: Side, variant: str) -> list[tuple[str, str]]:
    """Return what is compared of a variant at a rate, as case and metric: predictions first, then the bystanders."""
    cases = sorted({case for name, case, _, _ in side.blocks.found.samples if name == variant} - {PREDICTION})
    response = [(case, metric) for case in (PREDICTION, *cases) for metric in PERCENTILES]
    return [*response[: len(PERCENTILES)], (PREDICTION, GOODPUT), *response[len(PERCENTILES) :]]


def measured(base: Side, new: Side, what: tuple[str, str, str], rates: tuple[float, float], band: Band | None) -> Row:
    """Return a row that has everything but its verdict."""
    variant, case, metric = what
    pairs = list(zip((base, new), rates, strict=True))
    was, now = (side.blocks.of(*what, rate) for side, rate in pairs)
    floor = widest(side.blocks.floor(side.again, case, metric, rate) for side, rate in pairs)
    row = Row(variant, case, metric, rates, mean(was), mean(now), NOTHING, floor)
    found = effect(was.values(), now.values())
    if found is None or (metric == GOODPUT and base.slo_ms != new.slo_ms):
        return replace(row, why=lacking((variant, case), pairs, (was, now)) or "the objectives differ")
    row = replace(row, ratio=found.ratio)
    if band is None:
        return row
    factor = max(amplification(side.loads.get((variant, rate), 0.0)) for side, rate in pairs)
    low, high = (edge * factor if edge else 0.0 for edge in band)
    return replace(row, p=found.p_outside(-high, -low) if row.more_is_better else found.p_outside(low, high))


def lacking(of: tuple[str, str], pairs: Sequence[tuple[Side, float]], values: Sequence[Values]) -> str:
    """Say which run lacks a value, and why."""
    words = []
    for label, (side, rate), own in zip(("BASE", "NEW"), pairs, values, strict=True):
        if not own:
            full = (*of, rate) in side.blocks.full
            words.append(f"{label} was saturated" if full else f"{label} has too few requests in a trial")
    return ", ".join(words)


def judge(row: Row, p: float) -> Row:
    """Give a row its verdict, or say why there is none; `p` is adjusted for all rows."""
    value, low, high = row.ratio.value, row.ratio.low, row.ratio.high
    if value is None:
        return row
    if low is None or high is None:
        why = "the same in every block" if value == 1 else "no interval: one block, or no spread between blocks"
    elif low <= 1 <= high:
        why = ""  # the interval in the table says it
    elif abs(np.log(value)) <= np.log1p(row.floor):
        why = "within the noise floor"
    elif row.p > 1 - CONFIDENCE:
        why = "the machine may have done it"
    elif p > 1 - CONFIDENCE:
        why = "chance may have done it, among so many rows"
    else:
        return replace(row, verdict=row.word(value))
    return replace(row, verdict=UNTOLD, why=why)
