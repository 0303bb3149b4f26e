"""What every part of the page looks things up in: the results, with titles and an order for the variants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.results import RAW_LIMIT, Result, Results

if TYPE_CHECKING:
    from reports.record import Run
    from reports.runfolder import RunFolder
    from reports.samples import Curve

PREDICTION = "prediction"
CASES = (PREDICTION, "metadata", "page", "image")
CASE_TITLES = {
    PREDICTION: "Prediction: needs the model",
    "metadata": "Photo metadata: needs no model",
    "page": "Photo page: shows the prediction, if there is one",
    "image": "Image bytes: needs no model",
}
PERCENTILES = ("p50", "p95", "p99")
STAGES = ("app", "db", "decode", "queue", "infer")


@dataclass(frozen=True)
class View:
    """One run as the page sees it. A variant that run.json does not describe goes by its name."""

    run: Run
    results: Results
    curves: tuple[Curve, ...]

    @property
    def variants(self) -> tuple[str, ...]:
        """Names in the order of run.json, then those that only the results know."""
        measured = (*self.results.variants, *(curve.variant for curve in self.curves))
        return tuple(dict.fromkeys((*(each.name for each in self.run.variants), *measured)))

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
    return View(folder.run, folder.results or Results((), ()), folder.curves)


def case_title(case: str) -> str:
    """Return the heading of a route class."""
    return CASE_TITLES.get(case, case)
