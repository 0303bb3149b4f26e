"""The overload of one peer: an open loop at multiples of its own capacity, and what each step showed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bench.gates import judging as gates
from bench.gates.thresholds import Thresholds
from bench.latency.profile import Step
from bench.load.answers import REFUSALS
from bench.load.generator import Load
from bench.load.schedule import WARM_UP, Phase, Schedule, draw
from bench.session.runfolder import REQUESTS
from bench.statistics.estimates import Floats

CASE, WARM = "inference", 0.5  # the warm-up is at half of capacity
CHANGED = 1.25  # more, and nobody knows what the load was a multiple of
MS = 1e6


@dataclass(frozen=True)
class Overload:
    """One step as it was sent. Capacities are right answers per second to eight clients, just before and just after.

    There is none after the last step: a server that accepts everything would still be at work.
    """

    step: Step
    before_per_s: float
    sent: Load
    after_per_s: float | None = None

    @property
    def rate_per_s(self) -> float:
        """The offered rate: set by what was known before."""
        return self.step.load * self.before_per_s

    @property
    def capacity_per_s(self) -> float:
        """The capacity at about the time of the step."""
        known = [each for each in (self.before_per_s, self.after_per_s) if each is not None]
        return sum(known) / len(known)

    @property
    def case(self) -> str:
        """What the step is called."""
        return f"{self.step.load:.3g} x capacity"

    def record(self) -> dict[str, object]:
        """Return this for run.json."""
        return {
            "of_capacity": self.step.load, "seconds": self.step.seconds, "rate_per_s": self.rate_per_s,
            "before_per_s": self.before_per_s, "after_per_s": self.after_per_s,
            "connections": self.sent.connections,
        }  # fmt: skip


def schedule(step: Step, capacity: float, warmup_s: float, photos: int, seed: tuple[int, ...]) -> Schedule:
    """Draw Poisson arrivals for the warm-up and the step."""
    warm_up = Phase(warmup_s, {CASE: WARM * capacity})
    return draw(warm_up, [Phase(step.seconds, {CASE: step.load * capacity})], photos, seed=seed)


def requests(steps: Sequence[Overload], **same: object) -> pa.Table:
    """Return the rows of requests.parquet: every request, those of the warm-ups too, at negative times.

    Times count from the start of the own step.
    """
    tables = []
    for number, step in enumerate(steps):
        table = step.sent.table
        numbers = [WARM_UP if each == WARM_UP else number for each in table["step"].to_pylist()]
        fixed = {**same, "case": step.case, "offered_per_s": step.rate_per_s}
        table = table.drop_columns(["case", "step"]).append_column("step", pa.array(numbers, pa.int32()))
        for name, value in fixed.items():
            table = table.append_column(name, pa.array([value] * len(table), REQUESTS.field(name).type))
        tables.append(table.select(REQUESTS.names).cast(REQUESTS))
    return pa.concat_tables(tables)


@dataclass(frozen=True)
class Shown:
    """What one step of one block showed. Times in ms from the intended moment; failures are infinite."""

    step: Overload
    slo_ms: float
    status: npt.NDArray[np.int64]
    outcome: npt.NDArray[np.str_]
    intended_ms: Floats
    sent_ms: Floats  # NaN where it was not sent
    done_ms: Floats

    @cached_property
    def response_ms(self) -> Floats:
        """All requests, in the order of sending: a refusal is a failure, too."""
        return np.where(self.outcome == "ok", self.done_ms - self.intended_ms, np.inf)

    @property
    def refused(self) -> npt.NDArray[np.bool_]:
        """Which ones the server said it would not take."""
        return np.isin(self.status, REFUSALS)

    @property
    def accepted_ms(self) -> Floats:
        """What was not refused. Who accepts a request and never answers does not get a better percentile for it."""
        return self.response_ms[~self.refused]

    @property
    def refusal_ms(self) -> Floats:
        """How long a refusal took."""
        return (self.done_ms - self.intended_ms)[self.refused]

    @property
    def goodput_per_s(self) -> float:
        """Right answers within the objective that arrived within the step's time.

        Those that arrive after its end would be a gift: by then nothing competes with them.
        """
        seconds = self.step.step.seconds
        good = (self.response_ms <= self.slo_ms) & (self.done_ms <= seconds * 1e3)
        return float(good.sum()) / seconds

    @property
    def goodput_share(self) -> float:
        """The goodput as a share of capacity."""
        return self.goodput_per_s / self.step.capacity_per_s

    @property
    def refused_share(self) -> float:
        """How much was refused."""
        return float(self.refused.mean()) if len(self.refused) else 0.0

    def unfit(self, limits: Thresholds) -> str:
        """Say why this step does not count, "" if it does.

        The generator must have sent all of it, and in time; and capacity must have been the same before and after.
        """
        service_ms = (self.done_ms - self.sent_ms)[self.outcome == "ok"]
        lag_ms = (self.sent_ms - self.intended_ms)[~np.isnan(self.sent_ms)]
        lag = gates.lag(limits, "", lag_ms, float(np.median(service_ms)) if len(service_ms) else None)
        dropped = int((self.outcome == "dropped").sum())
        sent = int((~np.isnan(self.sent_ms)).sum())
        whole = gates.complete(limits, "", scheduled=len(self.outcome), sent=sent, dropped=dropped)
        if whole["verdict"] == "fail":
            return f"the generator did not send everything: {whole['note']}"
        if lag["verdict"] == "fail":
            return f"the generator was late: {lag['value']:.3g} ms at p99, the limit is {lag['fail_above']:.3g} ms"
        before, after = self.step.before_per_s, self.step.after_per_s
        if after is not None and max(before, after) > CHANGED * min(before, after):
            return f"capacity changed around it, from {before:.3g} to {after:.3g} per second"
        return ""


def shown(step: Overload, slo_ms: float) -> Shown:
    """Return what a step showed."""
    table = step.sent.table
    own = table["step"].to_numpy() != WARM_UP
    status = table["status"].fill_null(0).to_numpy().astype(np.int64)
    times = [table[name].to_numpy().astype(np.float64) / MS for name in ("intended_ns", "sent_ns", "done_ns")]
    return Shown(step, slo_ms, status[own], step.sent.outcome[own], *(column[own] for column in times))
