"""The overload of one peer: an open loop at multiples of its own capacity, and what each step showed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from bench.gates import judging
from bench.gates.thresholds import Thresholds
from bench.load.answers import REFUSALS
from bench.load.schedule import WARM_UP, Phase, Schedule, draw
from bench.peers.profile import Step
from bench.peers.slices import changed
from bench.session import gates
from bench.statistics.estimates import Floats
from runfile.columns import REQUESTS, filled
from runfile.facts import Gate, Overload

CASE, WARM = "inference", 0.5  # the warm-up is at half of capacity
MS = 1e6


def schedule(step: Step, capacity: float, warmup_s: float, photos: int, seed: tuple[int, ...]) -> Schedule:
    """Draw Poisson arrivals for the warm-up and the step."""
    warm_up = Phase(warmup_s, {CASE: WARM * capacity})
    return draw(warm_up, [Phase(step.seconds, {CASE: step.load * capacity})], photos, seed=seed)


def table(step: Overload, sent: pa.Table) -> pa.Table:
    """Return the rows of requests.parquet: every request, those of the warm-up too, at negative times.

    Times count from the start of the own step.
    """
    own = sent["step"].to_numpy() != WARM_UP
    numbers = pa.array(np.where(own, step.step, WARM_UP))
    marked = sent.drop_columns(["step"]).append_column("step", numbers).append_column("counted", pa.array(own))
    return filled(marked, REQUESTS, case=step.case, offered_per_s=step.rate_per_s)


@dataclass(frozen=True)
class Shown:
    """What one step of one block showed. Times in ms from the intended moment; failures are infinite.

    `rows` are its requests in the order of sending, without those of the warm-up.
    """

    step: Overload
    slo_ms: float
    rows: pd.DataFrame

    @cached_property
    def took_ms(self) -> Floats:
        """How long each took, whatever became of it."""
        return self._ms("done_ns", "intended_ns")

    @cached_property
    def response_ms(self) -> Floats:
        """All requests: a refusal is a failure, too."""
        return np.where(self.rows["outcome"] == "ok", self.took_ms, np.inf)

    @cached_property
    def refused(self) -> npt.NDArray[np.bool_]:
        """Which ones the server said it would not take."""
        return self.rows["status"].isin(REFUSALS).to_numpy(dtype=bool)

    @property
    def accepted_ms(self) -> Floats:
        """What was not refused. Who accepts a request and never answers does not get a better percentile for it."""
        return self.response_ms[~self.refused]

    @property
    def goodput_per_s(self) -> float:
        """Right answers within the objective that arrived within the step's time.

        Those that arrive after its end would be a gift: by then nothing competes with them.
        """
        good = (self.response_ms <= self.slo_ms) & (self.rows["done_ns"].to_numpy() <= self.step.seconds * 1e9)
        return float(good.sum()) / self.step.seconds

    @property
    def lag_ms(self) -> Floats:
        """How late the generator sent each that it sent."""
        lag = self._ms("sent_ns", "intended_ns")
        return lag[~np.isnan(lag)]

    @property
    def service_ms(self) -> Floats:
        """How long right answers took from when they were really sent."""
        return self._ms("done_ns", "sent_ns")[(self.rows["outcome"] == "ok").to_numpy()]

    def unfit(self, limits: Thresholds) -> str:
        """Say why this step does not count, "" if it does.

        The generator must have sent all of it, and in time; and capacity must have been the same before and after.
        """
        whole, before, after = complete(limits, "", [self]), self.step.before_per_s, self.step.after_per_s
        if whole.verdict == "fail":
            return f"the generator did not send everything: {whole.note}"
        if late := gates.late(limits, self.lag_ms, self.service_ms):
            return late
        if after is not None and changed(before, after):
            return f"capacity changed around it, from {before:.3g} to {after:.3g} per second"
        return ""

    def _ms(self, until: str, since: str) -> Floats:
        return (self.rows[until] - self.rows[since]).to_numpy(dtype=np.float64) / MS


def complete(limits: Thresholds, variant: str, steps: Sequence[Shown]) -> Gate:
    """G2: all of these steps was sent."""
    scheduled, sent = sum(len(each.rows) for each in steps), sum(len(each.lag_ms) for each in steps)
    dropped = sum(int((each.rows["outcome"] == "dropped").sum()) for each in steps)
    return judging.complete(limits, variant, scheduled=scheduled, sent=sent, dropped=dropped)
