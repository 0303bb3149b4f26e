"""What is compared: a value per block of a run for every variant, case, offered rate and metric; the noise floor.

A percentile is that of one block, a median the median over its rounds; withheld where the block has too few requests
or was saturated. The goodput is a share: good predictions within the objective / all that were offered.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.comparing.row import GOODPUT, nearly, widest
from bench.gates import thresholds
from bench.statistics import steps
from bench.statistics.estimates import paired_ratio
from bench.statistics.noise import half_width
from bench.statistics.quantities import Quantities, collect
from bench.statistics.steps import Full
from runfile.columns import PROCESSES, schema_of
from runfile.facts import Latency

PERCENTILES = ("response_p50", "response_p95")

Values = Mapping[int, float]


@dataclass(frozen=True)
class Blocks:
    """The values of a run. `full` is what was saturated, by variant, case and rate.

    `again` is the A/A copy and what it is a copy of; empty where the run has none.
    """

    found: Quantities
    full: Full
    slo_ms: float
    deadline_ms: float
    again: tuple[str, str]

    def of(self, variant: str, case: str, metric: str, rate: float) -> Values:
        """Return the values by block, all of them finite and above 0 so that they have a logarithm.

        A percentile that falls among the failures counts as the deadline, the longest wait there is: at least that.
        No good answer in time at all counts as half of one.
        """
        if metric == GOODPUT:
            responses = self.found.blocks((variant, case, rate, "response")).items()
            return {block: max(0.5, float((each <= self.slo_ms).sum())) / len(each) for block, each in responses}
        if (variant, case, rate) in self.full:
            return {}
        values = self.found.by_block(variant, case, metric, rate)
        return {block: min(value, self.deadline_ms) for block, value in values.items() if value > 0}

    def floor(self, case: str, metric: str, rate: float) -> float:
        """Return the half width of the ratio of two equal systems, e.g. 0.04; infinite where it was not measured.

        The one of nearly the same rate; at rates without, the widest of the metric. Where all goodput is in time, equal
        systems agree to the last digit, which says nothing about an overload: its floor is never below that of p50.
        """
        known: dict[float, float] = {}
        for each in self.found.rates(self.again[0]):
            over, under = (self.of(name, case, metric, each) for name in self.again)
            both = sorted(over.keys() & under.keys())
            known[each] = half_width(paired_ratio([over[block] for block in both], [under[block] for block in both]))
        own = [width for each, width in known.items() if nearly(each, rate) and np.isfinite(width)]
        floor = widest(own or known.values())
        return max(floor, self.floor(case, PERCENTILES[0], rate)) if metric == GOODPUT else floor


def of_requests(requests: pd.DataFrame, found: Latency, deadline_ms: float) -> Blocks:
    """Return the values of the requests that count, of the trials that count."""
    most, nothing = thresholds.load()["G7"].passes, schema_of(PROCESSES).empty_table().to_pandas()
    facts = [
        steps.of_trial(trial, requests[requests["trial"] == trial.trial], nothing, slo_ms=found.slo_ms, most=most)
        for trial in found.counted
    ]
    again = next(((arm.name, arm.of) for arm in found.arms if arm.kind == "A/A"), ("", ""))
    return Blocks(collect(requests, found.counted), steps.saturated(facts), found.slo_ms, deadline_ms, again)
