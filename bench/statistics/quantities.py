"""From raw rows to samples: per variant, case, offered rate and quantity, kept apart by block. Pure.

Three times are kept apart, all in milliseconds:
    response = done - intended: what a user waited, from when the request should have been sent; failures are +inf
    service  = done - sent, of good answers only
    lag      = sent - intended: the generator's own lateness, which must be small for the others to mean anything
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bench.load.answers import STAGES
from bench.machine.limit import Limit
from bench.statistics import estimates
from bench.statistics.estimates import Estimate, Floats

RAW_LIMIT = "raw limit"
MS = 1e6  # nanoseconds

Key = tuple[str, str, float, str]  # variant, case, offered predictions per second, quantity


@dataclass
class Quantities:
    """Samples in milliseconds by variant, case, offered rate and quantity, then by block, in the order of sending."""

    samples: dict[Key, dict[int, Floats]] = field(default_factory=dict)

    def add(self, key: Key, block: int, values: Floats) -> None:
        """Store the samples of one block, if there are any."""
        if len(values):
            self.samples.setdefault(key, {})[block] = values

    def rates(self, variant: str) -> list[float]:
        """Return the rates that a variant was offered, from low to high."""
        return sorted({rate for name, _, rate, _ in self.samples if name == variant})

    def low(self, variant: str) -> float:
        """Return the rate of low load, for which the promises are made."""
        return min(self.rates(variant), default=0.0)

    def blocks(self, key: Key) -> dict[int, Floats]:
        """Return the samples by block."""
        return self.samples.get(key, {})

    def level(self, variant: str, case: str, metric: str, rate: float) -> Estimate:
        """Return a percentile over all blocks, e.g. of `response_p95`. Its interval allows for autocorrelation."""
        quantity, p = parse(metric)
        return estimates.percentile_of_trials(list(self.blocks((variant, case, rate, quantity)).values()), p)

    def by_block(self, variant: str, case: str, metric: str, rate: float | None = None) -> dict[int, float]:
        """Return a percentile for every block that can carry it; at low load unless a rate is given."""
        quantity, p = parse(metric)
        blocks = self.blocks((variant, case, self.low(variant) if rate is None else rate, quantity))
        found = {block: estimates.percentile(values, p).value for block, values in blocks.items()}
        return {block: value for block, value in found.items() if value is not None}


def parse(metric: str) -> tuple[str, float]:
    """Split `response_p95` into its quantity and 0.95. Raises ValueError."""
    quantity, _, percent = metric.rpartition("_p")
    if not quantity or not percent.isdigit():
        raise ValueError(f"{metric!r} is no percentile such as response_p95")
    return quantity, int(percent) / 10 ** len(percent)


def collect(requests: pd.DataFrame, limits: Mapping[tuple[int, str], Limit]) -> Quantities:
    """Return the samples of all requests of the window, and of the raw limits by block and case."""
    found = Quantities()
    for (variant, case, rate, block), rows in requests.groupby(
        ["variant", "case", "offered_per_s", "block"], sort=False
    ):
        for quantity, values in of_rows(rows).items():
            found.add((str(variant), str(case), float(str(rate)), quantity), int(str(block)), values)
    for (block, case), limit in limits.items():
        for quantity, samples in limit.samples_ms.items():
            found.add((RAW_LIMIT, case, 0.0, quantity), block, np.asarray(samples, dtype=np.float64))
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
