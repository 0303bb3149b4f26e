"""What a room looks up: the rows of its experiment, of which every number is one, and percentile curves."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from runfile.rows import ResultRow

RAW_LIMIT = "raw limit"  # a variant of the rows that is no architecture: what a prediction costs at the least
PREDICTION = "prediction"
GOODPUT = "goodput"


@dataclass(frozen=True)
class Curve:
    """Response time of predictions by percentile: `ms[i]` at share `shares[i]`; infinite where failures begin."""

    variant: str
    shares: tuple[float, ...]
    ms: tuple[float, ...]

    def below(self, share: float) -> "Curve":
        """Return the part of the curve below a share."""
        kept = sum(each < share for each in self.shares)
        return replace(self, shares=self.shares[:kept], ms=self.ms[:kept])


@dataclass(frozen=True)
class Results:
    """The rows of one experiment. Numbers of two experiments never share a table."""

    rows: tuple[ResultRow, ...]

    def find(self, variant: str, case: str, metric: str) -> ResultRow | None:
        """Return the row of one number at the lowest load that has it, or None."""
        return next(iter(self._index.get((variant, case, metric), ())), None)

    def by_rate(self, variant: str, case: str, metric: str) -> tuple[ResultRow, ...]:
        """Return the rows of one number at every offered rate, in rising order."""
        return tuple(row for row in self._index.get((variant, case, metric), ()) if row.offered_per_s is not None)

    def at(self, variant: str, case: str, metric: str, rate: float | None) -> ResultRow | None:
        """Return one number at one offered rate, or None."""
        return next((row for row in self.by_rate(variant, case, metric) if row.offered_per_s == rate), None)

    @cached_property
    def _index(self) -> dict[tuple[str, str, str], list[ResultRow]]:
        index: dict[tuple[str, str, str], list[ResultRow]] = {}
        for row in sorted(self.rows, key=lambda row: row.offered_per_s or 0.0):
            index.setdefault((row.variant, row.case, row.metric), []).append(row)
        return index

    @property
    def variants(self) -> tuple[str, ...]:
        """The architectures that the rows speak of, in the order of the file."""
        return tuple(dict.fromkeys(row.variant for row in self.rows if row.variant not in ("", RAW_LIMIT)))


def of(experiment: str, rows: Iterable[ResultRow] | None) -> Results:
    """Return the rows of an experiment; there are none where results.csv is absent."""
    return Results(tuple(_bounded(row) for row in rows or () if row.experiment == experiment))


def finite(row: ResultRow | None) -> float | None:
    """Return the value of a row, None where nothing was measured, it is withheld, or failures reach it."""
    value = row.value if row is not None and row.known else None
    return value if value is not None and math.isfinite(value) else None


def extent(rows: Iterable[ResultRow | None]) -> list[float]:
    """Return every value and bound that is known."""
    known = [row for row in rows if row is not None and row.known]
    return [value for row in known for value in (row.value, row.low, row.high) if value is not None]


def _bounded(row: ResultRow) -> ResultRow:
    """Keep goodput between nothing and what was offered: an interval from few blocks knows neither bound."""
    most = row.offered_per_s
    if most is None or (row.case, row.metric) != (PREDICTION, GOODPUT):
        return row
    value, low, high = (None if each is None else min(max(each, 0.0), most) for each in (row.value, row.low, row.high))
    return replace(row, value=value, low=low, high=high)
