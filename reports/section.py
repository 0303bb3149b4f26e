"""What a room hands to the page: sentences, tables and figures. Above reading and drawing, below the rooms."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.reading.standing import Standing
from reports.wording import FAILS, interval, number
from runfile.facts import Found
from runfile.rows import SATURATED, ResultRow

Part = tuple[str, int, str, str]  # variant, block, part of a trial, and why it does not count, "" if it does
REACH = {"p50": "half or more failed", "p95": "5 % or more failed", "p99": "1 % or more failed"}


@dataclass(frozen=True)
class Cell:
    """One cell. `kind` is value, words, fails, withheld or absent, for the eye; the words carry the same."""

    text: str
    note: str = ""
    kind: str = "value"


ABSENT = Cell("", kind="absent")


@dataclass(frozen=True)
class Row:
    """One line of a table, headed by a variant or a rate."""

    title: str
    name: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Table:
    """One table with its heading; `head` says what heads its lines."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Row]
    head: str = "variant"


@dataclass(frozen=True)
class Figure:
    """A drawing, what to take from it, and the numbers behind it; the template says how to read it."""

    svg: str
    caption: str = ""
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Section:
    """One experiment on the page.

    Its templates, in the folder of its name, fill its parts of the page with `parts`; all else stands in what the
    experiments share. `links` are its anchors with their names, "" for what is not there; `ratio_note` stands beside
    promises that are ratios, `again` tells what was measured again or left out.
    """

    name: str
    question: str
    scope: str
    found: Found
    standing: Standing
    headline: str
    parts: dict[str, object]
    links: dict[str, str]
    titles: dict[str, str]
    ratio_note: str = ""
    again: Sequence[str] = ()

    @property
    def tally(self) -> str:
        """How many promises were met, missed and withheld; none is judged where nothing may be claimed."""
        return tally(self.found) if self.standing.claims else "not judged"


def tally(found: Found) -> str:
    """Return how many promises were met, missed and withheld."""
    verdicts = Counter(check.verdict for check in found.checks)
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())) or "none"


def cell(row: ResultRow | None) -> Cell:
    """Return a result as a cell."""
    if row is None:
        return Cell("not measured", kind="absent")
    if row.unknown == SATURATED:
        return Cell(SATURATED, "the backlog grew", "withheld")
    if not row.known or row.value is None:
        few = "too few requests" if row.n is None else f"n = {row.n:,} is too few"
        return Cell("withheld", few, "withheld")
    if math.isinf(row.value):
        return Cell(FAILS, REACH.get(row.metric.rpartition("_")[2], "too many failed"), "fails")
    unit = row.unit if row.unit == "share" else ""
    return Cell(number(row.value, unit), interval(row.low, row.high, unit))


def again(found: Found, titles: dict[str, str], parts: Iterable[Part]) -> list[str]:
    """Return what was measured again or left out, and why: whole trials, those that gave nothing, parts of others."""
    told = [(each.variant, each.block, "", each.reason) for each in found.trials]
    for each in found.failed:
        then = "failed and was tried again" if each.again else "failed and is left out"
        told.append((each.variant, each.block, then, each.reason))
    said = Counter[str]()
    for variant, block, what, reason in (*told, *parts):
        if reason:
            # Block 0 is before the first, and the variant "" all that take turns.
            where = (titles.get(variant, variant) or "all in turns", f"block {block}" if block else "", what)
            said[f"{', '.join(filter(None, where))}: {reason}"] += 1
    return [f"{words} ({count} x)" if count > 1 else words for words, count in said.items()]
