"""The comparison for people: lines of plain text."""

from collections.abc import Mapping, Sequence

import numpy as np

from bench.comparing.machine import Movement
from bench.comparing.row import CAPACITY, Row
from bench.statistics.estimates import Estimate

HEAD = ("variant", "case", "offered/s", "metric", "BASE", "NEW", "NEW/BASE [95 %]", "floor", "verdict")


def machine_words(moved: Sequence[Movement]) -> list[str]:
    """Say how the machine moved."""
    cells = []
    for each in moved:
        note = "" if each.counts else " (does not count: the software under the model differs)"
        times = f"{number(each.base)} -> {number(each.new)} ms"
        cells.append((f"  {each.what}", times, ratio(each.ratio), f"{direction(each.ratio)}{note}"))
    return [
        "How the machine itself moved, NEW/BASE [95 %], above 1 when it was slower in NEW:",
        *aligned(cells),
        "Only what is surely more than that is claimed; near capacity, where a queue amplifies it, only much more.",
    ]


def direction(moved: Estimate) -> str:
    """Say in which direction the machine moved, if that is sure."""
    if moved.low is None or moved.high is None:
        return "no interval, so nobody knows"
    return "slower in NEW" if moved.low > 1 else "faster in NEW" if moved.high < 1 else "no movement told"


def table(rows: Sequence[Row], names: Mapping[str, str]) -> list[str]:
    """Return the rows, aligned; those without any value are only counted. `names`: short ones of metrics."""
    shown = [row for row in rows if known(row.base) or known(row.new)]
    lines = aligned([HEAD, *(line(row, names) for row in shown)])
    left = len(rows) - len(shown)
    words = f"Left out: {left} rows without a value in either run (too few requests in a trial, or saturated)."
    return [*lines, words] if left else lines


def known(found: Estimate) -> bool:
    """Whether anything is known of a number."""
    return any(part is not None for part in (found.value, found.low, found.high))


def aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of cells in columns."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(str.ljust, each, widths)).rstrip() for each in cells]


def line(row: Row, names: Mapping[str, str]) -> tuple[str, ...]:
    """Return the cells of one row."""
    rates = "" if row.rates is None else " / ".join(dict.fromkeys(f"{rate:.3g}" for rate in row.rates))
    sides = [bracket(side) if row.metric == CAPACITY else number(side.value) for side in (row.base, row.new)]
    floor = f"+-{row.floor:.1%}" if row.floor and np.isfinite(row.floor) else "-"
    verdict = f"{row.verdict} ({row.why})" if row.why else row.verdict
    return (row.variant, row.case, rates, names.get(row.metric, row.metric), *sides, ratio(row.ratio), floor, verdict)


def ratio(found: Estimate) -> str:
    """Return a ratio with its interval; of capacities only the interval is known."""
    value = "" if found.value is None else f"{found.value:.3g}"
    if found.low is None and found.high is None:
        return f"{value} [-]" if value else "-"
    return f"{value} [{number(found.low, 3)}, {number(found.high, 3)}]".strip()


def bracket(found: Estimate) -> str:
    """Return a capacity."""
    return f"{number(found.low, 3)} to {number(found.high, 3)}" if known(found) else "-"


def number(value: float | None, digits: int = 4) -> str:
    """Return a number; `-` where there is none."""
    return "-" if value is None else f"{value:.{digits}g}"
