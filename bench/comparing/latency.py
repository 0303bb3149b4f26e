"""Latency against latency: a row per variant, offered rate, case and metric, and one per capacity. Pure.

A difference is told when it is larger than the noise floor of both runs, and surely more than the machine alone may
have done: the chance that any row of the table is wrongly told is 5 % (Holm 1979).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.comparing.blocks import PERCENTILES, PREDICTION, Blocks, Values, of_requests
from bench.comparing.machine import Band, amplification
from bench.comparing.row import CAPACITY, GOODPUT, UNTOLD, Row, judged, nearly, widest
from bench.comparing.side import NOTHING, Side, common, estimate
from bench.comparing.welch import effect, mean
from bench.statistics.estimates import Estimate
from bench.statistics.quantities import RAW_LIMIT
from runfile import Recorded
from runfile.rows import ResultRow

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

    again: tuple[str, str]  # the A/A copy and what it is a copy of; empty where the run has none
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
    deadline_ms = (deadline_s if isinstance(deadline_s, int | float) else DEADLINE_S) * 1e3
    steps = [(step.variant or trial.variant, step) for trial in found.counted for step in trial.steps]
    values = of_requests(mine, found.counted, found.slo_ms, deadline_ms)
    again = next(((arm.name, arm.of) for arm in found.arms if arm.kind == "A/A"), ("", ""))
    return Latency(
        **common(recorded, "latency"),
        variants=[each.name for each in run.variants],
        bare_ms=raw_limits(recorded.results or ()),
        low={each.name: values.found.low(each.name) for each in run.variants},
        floor=values.floor(again, PREDICTION, PERCENTILES[0], ANY_RATE),
        again=again,
        slo_ms=found.slo_ms,
        loads={(variant, step.rate_per_s): step.of_capacity or 0.0 for variant, step in steps},
        capacity={each.variant: Estimate(None, each.low, each.high, len(each.points)) for each in found.capacity},
        values=values,
    )


def raw_limits(rows: Iterable[ResultRow]) -> dict[str, Estimate]:
    """Return the median of the bare model by pace; of several rates the lowest, which comes first."""
    found: dict[str, Estimate] = {}
    for row in rows:
        if (row.variant, row.metric) == (RAW_LIMIT, "response_p50"):
            pace = "paced like the load" if row.case == PREDICTION else row.case
            found.setdefault(f"raw limit, {pace}", estimate(row))
    return found


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
    response = [(case, metric) for case in (PREDICTION, *cases) for metric in PERCENTILES]
    return [*response[: len(PERCENTILES)], (PREDICTION, GOODPUT), *response[len(PERCENTILES) :]]


def measured(
    base: Latency, new: Latency, what: tuple[str, str, str], rates: tuple[float, float], band: Band | None
) -> Row:
    """Return a row that has everything but its verdict."""
    variant, case, metric = what
    pairs = list(zip((base, new), rates, strict=True))
    was, now = (side.values.of(*what, rate) for side, rate in pairs)
    floor = widest(side.values.floor(side.again, case, metric, rate) for side, rate in pairs)
    row = Row(*what, rates, mean(was.values()), mean(now.values()), NOTHING, floor)
    found = effect(was.values(), now.values())
    if found is None or (metric == GOODPUT and base.slo_ms != new.slo_ms):
        return replace(row, why=lacking((variant, case), pairs, (was, now)) or "the objectives differ")
    row = replace(row, ratio=found.ratio)
    if band is None:
        return row
    factor = max(amplification(side.loads.get((variant, rate), 0.0)) for side, rate in pairs)
    low, high = (edge * factor if edge else 0.0 for edge in band)
    return replace(row, p=found.p_outside(-high, -low) if row.more_is_better else found.p_outside(low, high))


def lacking(of: tuple[str, str], pairs: Sequence[tuple[Latency, float]], values: Sequence[Values]) -> str:
    """Say which run lacks a value, and why."""
    words = []
    for label, (side, rate), own in zip(("BASE", "NEW"), pairs, values, strict=True):
        if not own:
            full = (*of, rate) in side.values.full
            words.append(f"{label} was saturated" if full else f"{label} has too few requests in a trial")
    return ", ".join(words)
