"""`results.csv` as typed rows with a look-up: every number of the tables is one of them. Read by `runfolder.py`."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from reports.errors import ReportError

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("experiment", "variant", "case", "metric", "value", "low", "high", "unit", "n", "verdict")
OFFERED = "offered_per_s"  # a column that older runs lack
RAW_LIMIT = "raw limit"  # a variant of the file that is no architecture: what a prediction costs at the least
WITHHELD, SATURATED = "withheld", "saturated"


@dataclass(frozen=True)
class Result:
    """One number with its interval. `value` is None where it is withheld, infinite where failures reach into it.

    `offered` is the load at which it was measured, in predictions per second; None where the load does not matter.
    """

    experiment: str
    variant: str
    case: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    n: int | None
    verdict: str
    offered: float | None

    @property
    def known(self) -> bool:
        """Whether there is a value to show, finite or not."""
        return self.value is not None and self.verdict != WITHHELD

    @property
    def unknown(self) -> str:
        """Why there is no value: too few samples, or a backlog that grew as long as the load lasted."""
        return SATURATED if self.verdict == SATURATED else WITHHELD


@dataclass(frozen=True)
class Results:
    """The rows of one experiment. Numbers of two experiments never share a table, so the rest is only named."""

    rows: tuple[Result, ...]
    others: tuple[str, ...]

    def find(self, variant: str, case: str, metric: str) -> Result | None:
        """Return the row of one number, or None. Rows come with rising load, so it is that of the lowest."""
        return next(iter(self._index.get((variant, case, metric), ())), None)

    def by_rate(self, variant: str, case: str, metric: str) -> tuple[Result, ...]:
        """Return the rows of one number at every offered rate, in rising order."""
        found = [row for row in self._index.get((variant, case, metric), ()) if row.offered is not None]
        return tuple(sorted(found, key=lambda row: row.offered or 0.0))

    @cached_property
    def _index(self) -> dict[tuple[str, str, str], list[Result]]:
        index: dict[tuple[str, str, str], list[Result]] = {}
        for row in self.rows:
            index.setdefault((row.variant, row.case, row.metric), []).append(row)
        return index

    @property
    def variants(self) -> tuple[str, ...]:
        """The architectures that the rows speak of, in the order of the file."""
        return tuple(dict.fromkeys(row.variant for row in self.rows if row.variant not in ("", RAW_LIMIT)))

    @property
    def cases(self) -> tuple[str, ...]:
        """The route classes of which an architecture has a response time, in the order of the file."""
        measured = [row for row in self.rows if row.variant != RAW_LIMIT and row.metric.startswith("response_")]
        return tuple(dict.fromkeys(row.case for row in measured if row.case))


def read(path: Path) -> Results:
    """Read results.csv. Raises FileNotFoundError when it is absent, ReportError when it is damaged."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise _damaged(path, f"it has no column {', '.join(missing)}")
            rows = tuple(_result(path, number, line) for number, line in enumerate(reader, start=2))
    except (csv.Error, UnicodeDecodeError) as error:
        raise _damaged(path, str(error)) from error
    return _first_experiment(rows)


def _first_experiment(rows: tuple[Result, ...]) -> Results:
    names = tuple(dict.fromkeys(row.experiment for row in rows))
    timed = [row.experiment for row in rows if row.metric.startswith("response_")]
    chosen = (timed or list(names) or [""])[0]
    return Results(tuple(row for row in rows if row.experiment == chosen), tuple(n for n in names if n != chosen))


def _result(path: Path, number: int, line: dict[str, str | None]) -> Result:
    text = {name: line.get(name) or "" for name in (*COLUMNS, OFFERED)}
    try:
        value, low, high, n, offered = (_number(text[name]) for name in ("value", "low", "high", "n", OFFERED))
        count = None if n is None else int(n)
    except (ValueError, OverflowError) as error:
        raise _damaged(path, f"line {number} holds what is not a number ({error})") from error
    names = (text["experiment"], text["variant"], text["case"], text["metric"])
    load = offered if offered is not None and 0 < offered < math.inf else None
    return Result(*names, value, low, high, text["unit"], count, text["verdict"], load)


def _number(text: str) -> float | None:
    """Return a number of the file; empty and NaN both mean that there is none."""
    value = float(text) if text else math.nan
    return None if math.isnan(value) else value


def _damaged(path: Path, why: str) -> ReportError:
    return ReportError(f"{path} is damaged: {why}. Derive it again from requests.parquet, or run again.")
