"""What every part of the page looks things up in: the results, with titles and an order for the variants."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from reports.results import RAW_LIMIT, Result, Results
from reports.wording import spread

if TYPE_CHECKING:
    from reports.comparison import Floor
    from reports.record import Run
    from reports.runfolder import RunFolder
    from reports.samples import Curve

PREDICTION = "prediction"
CASES = (PREDICTION, "metadata", "page", "image")
BYSTANDERS = ("metadata", "image")  # route classes that need no model, the one that is asked for most first
CASE_TITLES = {
    PREDICTION: "Prediction: needs the model",
    "metadata": "Photo metadata: needs no model",
    "page": "Photo page: shows the prediction, if there is one",
    "image": "Image bytes: needs no model",
}
PERCENTILES = ("p50", "p95", "p99")
ENOUGH_BLOCKS = 2  # a trial is the unit: with one per variant there is no spread to compare a difference with
STAGES = ("app", "db", "decode", "queue", "infer")


@dataclass(frozen=True)
class View:
    """One run as the page sees it. A variant that run.json does not describe goes by its name."""

    run: Run
    results: Results
    curves: tuple[Curve, ...]

    @property
    def variants(self) -> tuple[str, ...]:
        """The architectures in the order of run.json, then those that only the results know. An arm is none."""
        measured = (*self.results.variants, *(curve.variant for curve in self.curves))
        names = dict.fromkeys((*(each.name for each in self.run.variants), *measured))
        return tuple(name for name in names if name not in self.arms)

    @cached_property
    def arms(self) -> frozenset[str]:
        """Names of what was measured only to know the measurement."""
        return frozenset(arm.name for arm in self.run.arms)

    @property
    def blocks(self) -> int:
        """How often every variant was measured: the smallest number of blocks over the variants."""
        seen = [{trial.block for trial in self.run.trials if trial.variant == name} for name in self.variants]
        return min((len(each) for each in seen), default=0)

    @property
    def low_load(self) -> str:
        """The offered rate that headline numbers are about, in predictions per second; "" where load did not rise."""
        rows = [self.results.find(name, PREDICTION, "response_p50") for name in self.variants]
        return spread([row.offered for row in rows if row is not None])

    def common_rates(self, case: str, metric: str) -> list[float]:
        """Return the offered rates, rising, at which every architecture with this number has it."""
        series = [self.results.by_rate(name, case, metric) for name in self.variants]
        rates = [{row.offered for row in rows if row.offered is not None} for rows in series if rows]
        return sorted(set.intersection(*rates)) if rates else []

    def at(self, variant: str, case: str, metric: str, rate: float) -> Result | None:
        """Return one number at one offered rate, or None."""
        return next((row for row in self.results.by_rate(variant, case, metric) if row.offered == rate), None)

    @property
    def noise_floor(self) -> dict[str, Floor]:
        """The noise floor by metric, empty where none was measured."""
        return {floor.metric: floor for floor in self.run.floors or ()}

    def beyond_noise(self, metric: str, slow: float, fast: float) -> bool:
        """Whether a difference is too large to be noise; True where the run measured no floor for this metric."""
        floor = self.noise_floor.get(metric)
        return floor is None or slow > fast * (1 + floor.half_width)

    @property
    def cases(self) -> tuple[str, ...]:
        """Route classes with numbers: ours in reading order, then any other."""
        found = self.results.cases
        return (*(case for case in CASES if case in found), *(case for case in found if case not in CASES))

    def title(self, name: str) -> str:
        """Return what the reader knows a variant by: its title up to the colon, unless two would share that."""
        if name == RAW_LIMIT:
            return "Raw limit"
        full = next((each.title for each in self.run.variants if each.name == name), name)
        short = [each.title.partition(":")[0] for each in self.run.variants]
        head = full.partition(":")[0]
        return head if head and short.count(head) == 1 else full

    def percentile(self, variant: str, case: str, percentile: str) -> Result | None:
        """Return a response time; the raw limit has no queue before it, so its service time stands in."""
        found = self.results.find(variant, case, f"response_{percentile}")
        if found is None and variant == RAW_LIMIT:
            found = self.results.find(variant, case, f"service_{percentile}")
        return found

    def with_raw_limit(self, case: str) -> tuple[str, ...]:
        """Return the variants, and the raw limit where it was measured for this route class."""
        measured = any(self.percentile(RAW_LIMIT, case, each) for each in PERCENTILES)
        return (*self.variants, RAW_LIMIT) if measured else self.variants


def build(folder: RunFolder) -> View:
    """Return the view of a run folder; without results.csv all its look-ups are empty."""
    arms = {arm.name for arm in folder.run.arms}
    curves = tuple(curve for curve in folder.curves if curve.variant not in arms)
    return View(folder.run, folder.results or Results((), ()), curves)


def case_title(case: str) -> str:
    """Return the heading of a route class."""
    return CASE_TITLES.get(case, case)
