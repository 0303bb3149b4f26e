"""The rows of results.csv: every number that a report may print is one of them."""

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from runfile.files import content

WITHHELD, SATURATED = "withheld", "saturated"
MOST = 1e15  # nothing that is measured is larger, in any unit
NUMBERS = ("value", "low", "high", "n", "offered_per_s")


class RunFileError(Exception):
    """A run folder cannot be read or written; the message names the file, what is wrong, and what to do."""


@dataclass(frozen=True)
class ResultRow:
    """One number with its 95 % interval.

    `value` is None where it is withheld and infinite where failures reach into it; `offered_per_s` is the load at which
    it was measured, in predictions per second, None where that does not matter.
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
    verdict: str = ""
    offered_per_s: float | None = None

    @property
    def known(self) -> bool:
        """Whether there is a value to show, finite or not."""
        return self.value is not None and self.verdict != WITHHELD

    @property
    def unknown(self) -> str:
        """Why there is no value: too few samples, or a backlog that grew as long as the load lasted."""
        return SATURATED if self.verdict == SATURATED else WITHHELD


RESULTS = tuple(field.name for field in fields(ResultRow))


def write(path: Path, rows: Iterable[ResultRow]) -> None:
    """Write results.csv as a whole; None becomes an empty field, infinity `inf`."""
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(RESULTS)
        writer.writerows(["" if value is None else value for value in astuple(row)] for row in rows)
    part.replace(path)


def read(path: Path) -> tuple[ResultRow, ...]:
    """Read results.csv. Raises FileNotFoundError where it is absent, RunFileError where it is damaged."""
    try:
        reader = csv.DictReader(io.StringIO(content(path).decode(), newline=""))
        missing = [name for name in RESULTS[:-1] if name not in (reader.fieldnames or ())]
        if missing:
            raise damaged(path, f"it has no column {', '.join(missing)}")
        return tuple(_row(path, number, line) for number, line in enumerate(reader, start=2))
    except (csv.Error, UnicodeDecodeError) as error:
        raise damaged(path, str(error)) from error


def check(path: Path, found: Iterable[ResultRow]) -> None:
    """Raise RunFileError where a file that can be read holds a number that no run can have measured.

    Such a file was edited or damaged, and nothing could be drawn or computed from it.
    """
    for number, row in enumerate(found, start=2):
        for name in NUMBERS:
            value = getattr(row, name)
            if value is not None and not math.isinf(value) and abs(value) > MOST:
                raise damaged(path, f"line {number} says {value:g} as {name}, more than any run can measure")


def _row(path: Path, number: int, line: dict[str, str | None]) -> ResultRow:
    text = {name: line.get(name) or "" for name in RESULTS}
    try:
        value, low, high, n, offered = (_number(text[name]) for name in NUMBERS)
        count = None if n is None else int(n)
    except (ValueError, OverflowError) as error:
        raise damaged(path, f"line {number} holds what is not a number ({error})") from error
    load = offered if offered is not None and 0 < offered < math.inf else None
    names = (text["experiment"], text["variant"], text["case"], text["metric"])
    return ResultRow(*names, value, low, high, text["unit"], count, text["verdict"], load)


def _number(text: str) -> float | None:
    """Return a number of the file; empty and NaN both mean that there is none."""
    value = float(text) if text else math.nan
    return None if math.isnan(value) else value


def damaged(path: Path, why: str) -> RunFileError:
    """Say that a file of a run is damaged, and what to do."""
    return RunFileError(f"{path} is damaged: {why}. Restore it from a copy, or run again.")
