"""What every part of a room looks things up in: the results, with titles and an order for the variants."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from reports.reading import results
from reports.reading.results import PREDICTION, RAW_LIMIT, Curve, Results
from runfile import Recorded
from runfile.facts import Found, Run
from runfile.rows import ResultRow

CASE_TITLES = {
    PREDICTION: "Prediction: needs the model",
    "metadata": "Photo metadata: needs no model",
    "page": "Photo page: shows the prediction, if there is one",
    "image": "Image bytes: needs no model",
}
BYSTANDERS = ("metadata", "image")  # route classes that need no model, the one that is asked for most first
PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

F = TypeVar("F", bound=Found)


@dataclass(frozen=True)
class View(Generic[F]):
    """One experiment on the variants of the product. A variant that run.json does not describe goes by its name.

    `arms` are names of what was measured only to know the measurement; an arm is no variant.
    """

    run: Run
    found: F
    results: Results
    curves: tuple[Curve, ...]
    arms: frozenset[str] = frozenset()

    @property
    def variants(self) -> tuple[str, ...]:
        """The architectures in the order of run.json, then those that only the results know."""
        names = dict.fromkeys((*(each.name for each in self.run.variants), *self.results.variants))
        return tuple(name for name in names if name not in self.arms)

    @property
    def cases(self) -> tuple[str, ...]:
        """Route classes of which an architecture has a response time: ours in reading order, then any other."""
        rows = [row for row in self.results.rows if row.variant != RAW_LIMIT and row.metric.startswith("response_")]
        found = dict.fromkeys(row.case for row in rows if row.case)
        return tuple(case for case in dict.fromkeys((*CASE_TITLES, *found)) if case in found)

    def title(self, name: str) -> str:
        """Return what the reader knows a variant by: its title up to the colon, unless two would share that."""
        if name == RAW_LIMIT:
            return "Raw limit"
        full = next((each.title for each in self.run.variants if each.name == name), name) or name
        short = [each.title.partition(":")[0] for each in self.run.variants]
        head = full.partition(":")[0]
        return head if short.count(head) == 1 else full

    @property
    def titles(self) -> dict[str, str]:
        """The titles of the variants."""
        return {name: self.title(name) for name in self.variants}

    def percentile(self, variant: str, case: str, percentile: str) -> ResultRow | None:
        """Return a response time at the lowest load."""
        return self.results.find(variant, case, f"response_{percentile}")


def build(folder: Recorded, name: str, found: F, arms: Iterable[str] = ()) -> View[F]:
    """Return the view of one experiment; without results.csv all its look-ups are empty."""
    from reports.reading.samples import curves

    rows, left_out = results.of(name, folder.results), frozenset(arms)
    carried = [_carried(curve, rows) for curve in curves(folder.requests(), name)]
    hidden = {*left_out, RAW_LIMIT}  # the bare model is a mark in the figures, and no line
    drawn = tuple(curve for curve in carried if curve.shares and curve.variant not in hidden)
    return View(folder.run, found, rows, drawn, left_out)


def _carried(curve: Curve, rows: Results) -> Curve:
    """Return a curve up to the first percentile that results.csv withholds; nothing of it without a median."""
    for percentile, share in PERCENTILES.items():
        row = rows.find(curve.variant, PREDICTION, f"response_{percentile}")
        if row is None or not row.known:
            return curve.below(0.0 if percentile == "p50" else share)
    return curve


def case_title(case: str) -> str:
    """Return the heading of a route class."""
    return CASE_TITLES.get(case, case)


def short(case: str) -> str:
    """Return the name of a route class without its explanation."""
    return case_title(case).partition(":")[0]
