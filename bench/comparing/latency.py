"""Latency against latency: a row per variant, offered rate, case and metric, and one per capacity. Pure.

A difference is told when it is larger than the noise floor of both runs, and surely more than the machine alone may
have done: the chance that any row of the table is wrongly told is 5 % (Holm 1979).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.comparing.blocks import PERCENTILES, Blocks, of_requests
from bench.comparing.machine import amplification
from bench.comparing.row import CAPACITY, GOODPUT, UNTOLD, Row, judged, nearly, widest
from bench.comparing.side import Side, common, estimate
from bench.comparing.welch import NOTHING, Band, effect, mean
from bench.statistics.estimates import Estimate
from bench.statistics.quantities import RAW_LIMIT
from bench.statistics.steps import PREDICTION
from runfile import Recorded

DEADLINE_S = 10.0  # of runs that do not say
ANY_RATE = 0.0  # of no rate in particular, so the floor is the widest
NAMES = {"response_p50": "p50 ms", "response_p95": "p95 ms", GOODPUT: "goodput", CAPACITY: "capacity/s"}
LEGEND = (
    "p50, p95: response from the intended start, geometric mean over blocks; a failure counts as the deadline.",
    "goodput: share of offered predictions that were good and in time. capacity: a bracket of predictions per second.",
    "floor: what two equal systems differ by. For goodput and capacity, slower means less.",
)


@dataclass(frozen=True, kw_only=True)
class Latency(Side):
    """What a latency run found, and its values by block."""

    slo_ms: float
    loads: Mapping[tuple[str, float], float]  # share of capacity by variant and offered rate
    capacity: Mapping[str, Estimate]  # brackets: predictions per second
    values: Blocks


def side(recorded: Recorded) -> Latency:
    """Return what a comparison needs of a run. Raises RunFileError where its tables are damaged."""
    run, found = recorded.run, recorded.run.experiments.latency
    assert found is not None  # noqa: S101 - only experiments that a run has are asked for
    requests = recorded.requests().to_pandas()
    mine = requests[(requests["experiment"] == "latency") & requests["counted"].astype(bool)]
    deadline_s = run.settings.get("deadline_s")
    values = of_requests(mine, found, (deadline_s if isinstance(deadline_s, int | float) else DEADLINE_S) * 1e3)
    steps = [(step.variant or trial.variant, step) for trial in found.counted for step in trial.steps]
    bare_ms: dict[str, Estimate] = {}
    for row in recorded.results or ():
        if (row.variant, row.metric) == (RAW_LIMIT, "response_p50"):
            pace = "paced like the load" if row.case == PREDICTION else row.case
            bare_ms.setdefault(f"raw limit, {pace}", estimate(row))  # of several rates the lowest, which comes first
    return Latency(
        **common(recorded, "latency"),
        variants=[each.name for each in run.variants],
        bare_ms=bare_ms,
        low={each.name: values.found.low(each.name) for each in run.variants},
        floor=values.floor(PREDICTION, PERCENTILES[0], ANY_RATE),
        slo_ms=found.slo_ms,
        loads={(variant, step.rate_per_s): step.of_capacity or 0.0 for variant, step in steps},
        capacity={each.variant: Estimate(None, each.low, each.high, len(each.points)) for each in found.capacity},
        values=values,
    )


def compare(base: Latency, new: Latency, band: Band | None) -> list[Row]:
    """Return the rows of all variants that both runs have, with verdicts. `band`: see `machine.band`."""
    variants = [name for name in base.variants if name in new.variants]
    rows = [
        measured(base, new, (variant, *which), rates, band)
        for variant in variants
        for rates in common_rates(*(side.values.found.rates(variant) for side in (base, new)))
        for which in declared(base, variant)
    ]
    return judged(rows) + [capacity(base, new, variant, band) for variant in variants]


def common_rates(base: Sequence[float], new: Sequence[float]) -> list[tuple[float, float]]:
    """Return the pairs of nearly the same offered rates, rising; the lowest of both, low load, are always a pair."""
    pairs = list(zip(base[:1], new[:1], strict=False))
    for rate in base[1:]:
        nearest = min(new[1:], key=lambda other: abs(other - rate), default=0.0)
        if nearly(rate, nearest):
            pairs.append((rate, nearest))
    return pairs


def declared(side: Latency, variant: str) -> list[tuple[str, str]]:
    """Return what is compared of a variant at a rate, as case and metric: predictions first, then the bystanders."""
    cases = sorted({case for name, case, _, _ in side.values.found.samples if name == variant} - {PREDICTION})
    own = [(PREDICTION, metric) for metric in (*PERCENTILES, GOODPUT)]
    return own + [(case, metric) for case in cases for metric in PERCENTILES]


def measured(
    base: Latency, new: Latency, what: tuple[str, str, str], rates: tuple[float, float], band: Band | None
) -> Row:
    """Return a row that has everything but its verdict."""
    variant, case, metric = what
    sides = (("BASE", base, rates[0]), ("NEW", new, rates[1]))
    was, now = (side.values.of(*what, rate) for _, side, rate in sides)
    floor = widest(side.values.floor(case, metric, rate) for _, side, rate in sides)
    row = Row(*what, rates, mean(was.values()), mean(now.values()), NOTHING, floor)
    found = effect(was.values(), now.values())
    if found is None or (metric == GOODPUT and base.slo_ms != new.slo_ms):
        lacking = [
            f"{label} was saturated" if (variant, case, rate) in side.values.full
            else f"{label} has too few requests in a trial"
            for label, side, rate in sides if not side.values.of(*what, rate)
        ]  # fmt: skip
        return replace(row, why=", ".join(lacking) or "the objectives differ")
    factor = max(amplification(side.loads.get((variant, rate), 0.0)) for _, side, rate in sides)
    return replace(row, ratio=found.ratio).tested(found, band, factor)


def capacity(base: Latency, new: Latency, variant: str, band: Band | None) -> Row:
    """Return the row of a variant's capacity; `ratio` has the ends that both brackets leave.

    Brackets that do not overlap are a difference, when the gap is more than machine and noise. Each errs with the
    probability that its run states, 5 %; a wrong word needs one of them to err.
    """
    was, now = (side.capacity.get(variant, NOTHING) for side in (base, new))
    row = Row(variant, PREDICTION, CAPACITY, None, was, now, NOTHING, widest((base.floor, new.floor)))
    if base.slo_ms != new.slo_ms:
        return replace(row, why="the objectives differ")
    if not ((was.low or was.high) and (now.low or now.high)):
        return replace(row, why="too few requests for any rate")
    low, high = (over / under if over and under else None for over, under in ((now.low, was.high), (now.high, was.low)))
    return judge_capacity(replace(row, ratio=Estimate(None, low, high, 0), verdict=UNTOLD), band)


def judge_capacity(row: Row, band: Band | None) -> Row:
    """Give a capacity its verdict: the brackets must be further apart than the machine moved, and than the noise."""
    if band is None:
        return row
    low, high = row.ratio.low, row.ratio.high
    noise = np.log1p(row.floor)
    fewer = high is not None and np.log(high) < -max(band[1], noise)
    more = low is not None and np.log(low) > max(-band[0], noise)
    if fewer or more:
        return replace(row, verdict=row.word(2.0 if more else 0.5))
    apart = (high is not None and high < 1) or (low is not None and low > 1)
    return replace(row, why="the machine or the noise may have done it" if apart else "")
