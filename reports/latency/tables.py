"""The tables of the page as plain cells: value, interval, and in words what stands in for a value. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.captions import stage_ms
from reports.results import RAW_LIMIT, SATURATED, Result
from reports.view import PERCENTILES, PREDICTION, STAGES, View, case_title
from reports.wording import FAILS, interval, number

if TYPE_CHECKING:
    from collections.abc import Callable

HEADLINE_CASES = (PREDICTION, "metadata")
CURVE_SHARES = (0.5, 0.9, 0.95, 0.99)
REACH = {
    "p50": "half or more failed",
    "p95": "5 % or more failed",
    "p99": "1 % or more failed",
}


@dataclass(frozen=True)
class Cell:
    """One cell. `kind` is value, words, fails, withheld or absent, for the eye; the words carry the same."""

    text: str
    note: str = ""
    kind: str = "value"


@dataclass(frozen=True)
class Row:
    """One line of a table, headed by a variant or a rate."""

    title: str
    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """One table with its heading; `head` says what heads its lines."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    head: str = "variant"


def cell(row: Result | None, percentile: str = "") -> Cell:
    """Return a result as a cell."""
    if row is None:
        return Cell("not measured", kind="absent")
    if row.unknown == SATURATED:
        return Cell(SATURATED, "the backlog grew", "withheld")
    if not row.known or row.value is None:
        few = "too few requests" if row.n is None else f"n = {row.n:,} is too few"
        return Cell("withheld", few, "withheld")
    if math.isinf(row.value):
        return Cell(FAILS, REACH.get(percentile, "too many failed"), "fails")
    unit = row.unit if row.unit == "share" else ""
    return Cell(number(row.value, unit), interval(row.low, row.high, unit))


def headline_tables(view: View) -> list[Table]:
    """Return the tables that a decision is read from."""
    return [_response_table(view, case) for case in view.cases if case in HEADLINE_CASES]


def response_tables(view: View) -> list[Table]:
    """All route classes: the numbers behind the figure of percentiles."""
    return [_response_table(view, case) for case in view.cases]


def _response_table(view: View, case: str) -> Table:
    columns = (*(f"{each}, ms" for each in PERCENTILES), "failed", "n")
    return _table(
        view, case_title(case), columns, view.with_raw_limit(case), lambda name: _response_cells(view, name, case)
    )


def _response_cells(view: View, name: str, case: str) -> tuple[Cell, ...]:
    rows = [view.percentile(name, case, each) for each in PERCENTILES]
    failed = view.results.find(name, case, "failed_share")
    share = Cell("", kind="absent") if failed is None and name == RAW_LIMIT else cell(failed)
    count = next((row.n for row in (*rows, failed) if row is not None and row.n is not None), None)
    times = [cell(row, each) for row, each in zip(rows, PERCENTILES, strict=True)]
    return (*times, share, Cell(f"{count:,}") if count is not None else Cell("", kind="absent"))


def stage_table(view: View) -> Table:
    """Return the numbers behind the figure of stages."""
    columns = (*(f"{stage}, ms" for stage in STAGES), "response p50, ms")

    def cells(name: str) -> tuple[Cell, ...]:
        rows = [view.results.find(name, PREDICTION, f"stage_{stage}_p50") for stage in STAGES]
        return (*map(cell, rows), cell(view.percentile(name, PREDICTION, "p50"), "p50"))

    return _table(view, "Median time by stage of a prediction", columns, view.variants, cells)


def curve_table(view: View) -> Table:
    """Return the numbers behind the percentile curve, at a few round percentiles."""
    curves = {curve.variant: curve for curve in view.curves}

    def cells(name: str) -> tuple[Cell, ...]:
        values = [curves[name].at(share) for share in CURVE_SHARES]
        return (*(_pooled(value) for value in values), Cell(f"{curves[name].n:,}"))

    columns = (*(f"p{share * 100:g}, ms" for share in CURVE_SHARES), "n")
    names = tuple(name for name in view.variants if name in curves)
    return _table(view, "Response time of a prediction, all trials together", columns, names, cells)


def _pooled(value: float | None) -> Cell:
    if value is None:
        return Cell("withheld", "too few requests", "withheld")
    return Cell(FAILS, "", "fails") if math.isinf(value) else Cell(number(value))


def _table(
    view: View, title: str, columns: tuple[str, ...], names: tuple[str, ...], cells: Callable[[str], tuple[Cell, ...]]
) -> Table:
    return Table(title, columns, tuple(Row(view.title(name), name, cells(name)) for name in names))


def has_stages(view: View) -> bool:
    """Whether any variant reported where the time of a prediction went."""
    return any(stage_ms(view, name, stage) for name in view.variants for stage in STAGES)
