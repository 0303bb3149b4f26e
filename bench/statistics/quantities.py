"""From raw rows to samples: per variant, case, offered rate and quantity, kept apart by block and round. Pure.

Three times are kept apart, all in milliseconds:
    response = done - intended: what a user waited, from when the request should have been sent; failures are +inf
    service  = done - sent, of good answers only
    lag      = sent - intended: the generator's own lateness, which must be small for the others to mean anything
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bench.statistics import estimates
from bench.statistics.estimates import Estimate, Floats
from runfile.columns import STAGES
from runfile.facts import Trial

RAW_LIMIT = "raw limit"
MS = 1e6  # nanoseconds
MEDIAN = 0.5

Key = tuple[str, str, float, str]  # variant, case, offered predictions per second, quantity
Rounds = dict[int, Floats]  # the samples of a block by round; a step that nobody took turns in is one round


@dataclass
class Quantities:
    """Samples in milliseconds by variant, case, offered rate and quantity, then by block and round."""

    samples: dict[Key, dict[int, Rounds]] = field(default_factory=dict)

    def add(self, key: Key, block: int, values: Floats, round_: int = 0) -> None:
        """Store the samples of one round of one block, if there are any."""
        if len(values):
            self.samples.setdefault(key, {}).setdefault(block, {})[round_] = values

    def rates(self, variant: str) -> list[float]:
        """Return the rates that a variant was offered, from low to high."""
        return sorted({rate for name, _, rate, _ in self.samples if name == variant})

    def low(self, variant: str) -> float:
        """Return the rate of low load, for which the promises are made."""
        return min(self.rates(variant), default=0.0)

    def rounds(self, key: Key) -> dict[int, Rounds]:
        """Return the samples by block and round."""
        return self.samples.get(key, {})

    def blocks(self, key: Key) -> dict[int, Floats]:
        """Return the samples by block, in the order of sending."""
        return {block: together(rounds) for block, rounds in self.rounds(key).items()}

    def level(self, variant: str, case: str, metric: str, rate: float) -> Estimate:
        """Return a percentile over all blocks, e.g. of `response_p95`. Its interval allows for autocorrelation."""
        quantity, p = parse(metric)
        rounds = self.rounds((variant, case, rate, quantity)).values()
        return estimates.percentile_of_trials([values for each in rounds for values in each.values()], p)

    def by_round(self, variant: str, case: str, metric: str, rate: float) -> dict[int, dict[int, float]]:
        """Return a percentile of every round of every block; a median of a turn is one however few requests it had."""
        quantity, p = parse(metric)
        rounds = self.rounds((variant, case, rate, quantity))
        return {
            block: {number: quantile(values, p) for number, values in each.items()} for block, each in rounds.items()
        }

    def by_block(self, variant: str, case: str, metric: str, rate: float | None = None) -> dict[int, float]:
        """Return a percentile for every block that can carry it; at low load unless a rate is given.

        Where variants took turns, a block's median is the median over its rounds.
        """
        quantity, p = parse(metric)
        at = self.low(variant) if rate is None else rate
        key, found = (variant, case, at, quantity), {}
        for block, rounds in self.rounds(key).items():
            if len(rounds) > 1 and p == MEDIAN:
                found[block] = float(np.median([quantile(values, p) for values in rounds.values()]))
            elif (value := estimates.percentile(together(rounds), p).value) is not None:
                found[block] = value
        return found


def together(rounds: Rounds) -> Floats:
    """Return the samples of all rounds of a block."""
    return np.concatenate([rounds[number] for number in sorted(rounds)])


def quantile(values: Floats, p: float) -> float:
    """Return an order statistic; infinite where failures reach into it."""
    return float(np.quantile(values, p, method="inverted_cdf"))


def parse(metric: str) -> tuple[str, float]:
    """Split `response_p95` into its quantity and 0.95. Raises ValueError."""
    quantity, _, percent = metric.rpartition("_p")
    if not quantity or not percent.isdigit():
        raise ValueError(f"{metric!r} is no percentile such as response_p95")
    return quantity, int(percent) / 10 ** len(percent)


def collect(counted: pd.DataFrame, trials: Iterable[Trial]) -> Quantities:
    """Return the samples of the requests that count; `trials` tell which round a step belongs to.

    Rounds of different trials of a block are different rounds. A rate of 0: the bare model, without a pause.
    """
    found = Quantities()
    rounds = {(trial.trial, step.step): (trial.trial, step.round) for trial in trials for step in trial.steps}
    keys = [rounds.get(each, (0, 0)) for each in zip(counted["trial"], counted["step"], strict=True)]
    numbers = {key: number for number, key in enumerate(sorted(set(keys)))}
    by = ["variant", "case", "offered_per_s", "block", "round"]
    table = counted.assign(round=[numbers[key] for key in keys]).fillna({"offered_per_s": 0.0})
    for (variant, case, rate, block, round_), rows in table.groupby(by):
        for quantity, values in of_rows(rows).items():
            found.add((str(variant), str(case), float(str(rate)), quantity), int(str(block)), values, int(str(round_)))
    return found


def of_rows(rows: pd.DataFrame) -> dict[str, Floats]:
    """Return the samples by quantity of one group of requests."""
    intended, sent, done = (rows[name].to_numpy(dtype=np.float64) for name in ("intended_ns", "sent_ns", "done_ns"))
    good = (rows["outcome"] == "ok").to_numpy()
    lag = (sent - intended) / MS
    stages = {f"stage_{name}": rows[f"stage_{name}_ms"].to_numpy(dtype=np.float64)[good] for name in STAGES}
    return {
        "response": np.where(good, (done - intended) / MS, np.inf),
        "service": ((done - sent) / MS)[good],
        "lag": lag[~np.isnan(lag)],
        **{name: values[~np.isnan(values)] for name, values in stages.items()},
    }


def paired(left: dict[int, dict[int, float]], right: dict[int, dict[int, float]]) -> Sequence[tuple[Floats, Floats]]:
    """Return for each block in which both sides were measured their values by round, of the rounds that both have.

    Paired: only what was measured within the same seconds is compared.
    """
    pairs = []
    for block in sorted(left.keys() & right.keys()):
        common = sorted(left[block].keys() & right[block].keys())
        if common:
            sides = ([side[block][number] for number in common] for side in (left, right))
            over, under = (np.asarray(side, dtype=np.float64) for side in sides)
            pairs.append((over, under))
    return pairs
