"""The comparison for people: lines of plain text."""

from collections.abc import Sequence

import numpy as np

from bench.analysis.stats import Estimate
from bench.comparing.blocks import GOODPUT
from bench.comparing.machine import Movement
from bench.comparing.row import CAPACITY, Row

HEAD = ("variant", "case", "offered/s", "metric", "BASE", "NEW", "NEW/BASE [95 %]", "floor", "verdict")
NAMES = {"response_p50": "p50 ms", "response_p95": "p95 ms", GOODPUT: "goodput", CAPACITY: "capacity/s"}
TIMES = (
    "p50, p95: response from the intended start, geometric means over blocks; goodput: share of offered "
    "predictions that were good and in time; capacity: bracket. For goodput and capacity, slower means less."
)


def machine_words(moved: Sequence[Movement]) -> list[str]:
    """Say how the machine moved."""
    lines = ["The machine itself, NEW/BASE (above 1: it was slower in NEW):"]
    for each in moved:
        times = f"{number(each.base)} -> {number(each.new)} ms"
        note = "" if each.counts else "; not counted: the software under the model differs"
        lines.append(f"  {each.what:<28} {times:<22} {ratio(each.ratio)}, {direction(each.ratio)}{note}")
    return lines


def direction(moved: Estimate) -> str:
    """Say in which direction the machine moved, if that is sure."""
    if moved.low is None or moved.high is None:
        return "no interval, so nobody knows"
    return "slower in NEW" if moved.low > 1 else "faster in NEW" if moved.high < 1 else "no movement told"


def table(rows: Sequence[Row]) -> list[str]:
    """Return the rows, aligned; those that neither run has a value for are only counted."""
    shown = [row for row in rows if any(part is not None for side in (row.base, row.new) for part in parts(side))]
    cells = [HEAD, *(line(row) for row in shown)]
    widths = [max(len(each[column]) for each in cells) for column in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(each, widths, strict=True)).rstrip() for each in cells]
    left = len(rows) - len(shown)
    if left:
        lines.append(
            f"Left out: {left} rows without a value in either run (too few requests in a trial, or saturated)."
        )
    return [*lines, TIMES]


def line(row: Row) -> tuple[str, ...]:
    """Return the cells of one row."""
    rates = "" if row.rates is None else " / ".join(dict.fromkeys(f"{rate:.3g}" for rate in row.rates))
    sides = [bracket(side) if row.metric == CAPACITY else number(side.value) for side in (row.base, row.new)]
    floor = f"+-{row.floor:.1%}" if np.isfinite(row.floor) else "-"
    verdict = f"{row.verdict} ({row.why})" if row.why else row.verdict
    return (row.variant, row.case, rates, NAMES[row.metric], *sides, ratio(row.ratio), floor, verdict)


def ratio(found: Estimate) -> str:
    """Return a ratio with its interval; of capacities only the interval is known."""
    value = "" if found.value is None else f"{found.value:.3g}"
    if found.low is None and found.high is None:
        return f"{value} [-]" if value else "-"
    return f"{value} [{number(found.low, 3)}, {number(found.high, 3)}]".strip()


def bracket(found: Estimate) -> str:
    """Return a capacity."""
    if found.low is None and found.high is None:
        return "-"
    return f"{number(found.low, 3)} to {number(found.high, 3)}"


def number(value: float | None, digits: int = 4) -> str:
    """Return a number; `-` where there is none."""
    return "-" if value is None else f"{value:.{digits}g}"


def parts(found: Estimate) -> tuple[float | None, float | None, float | None]:
    """Return what is known of a number."""
    return found.value, found.low, found.high
