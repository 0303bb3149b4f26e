"""The tables under rising load: every number by offered rate, and what the answers cost. Sits above `summary.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.results import SATURATED
from reports.summary import Cell, Row, Table, cell
from reports.view import PERCENTILES, PREDICTION, case_title
from reports.wording import number, rate

if TYPE_CHECKING:
    from reports.view import View

STACK = "all"  # the case of rows that are about the whole stack, whatever it was asked
CPU, MEMORY, GOODPUT = "cpu_s_per_1000", "memory", "goodput"
RESPONSES = tuple(f"response_{each}" for each in PERCENTILES)


def has_rates(view: View) -> bool:
    """Whether the load rose in steps."""
    return any(row.offered is not None for row in view.results.rows)


def tables(view: View) -> list[Table]:
    """Return the numbers by offered rate that anybody has: response times, failures, goodput, processor time."""
    wanted = [
        *(
            (case, metric, f"{short(case)}: {metric.replace('_', ' ')}, ms")
            for case in view.cases
            for metric in RESPONSES
        ),
        *((case, "failed_share", f"{short(case)}: failed") for case in view.cases),
        (PREDICTION, GOODPUT, "Prediction: good answers within the SLO, per second"),
        (STACK, CPU, "CPU seconds of the whole stack per 1,000 good answers"),
    ]
    return [_table(view, *each) for each in wanted if _is_known(view, *each[:2])]


def short(case: str) -> str:
    """Return the name of a route class without its explanation."""
    return case_title(case).partition(":")[0]


def _is_known(view: View, case: str, metric: str) -> bool:
    return any(row.known for name in view.variants for row in view.results.by_rate(name, case, metric))


def _table(view: View, case: str, metric: str, title: str) -> Table:
    """Return one number, a line per offered rate and a column per architecture."""
    rates = sorted({row.offered or 0.0 for name in view.variants for row in view.results.by_rate(name, case, metric)})
    percentile = metric.removeprefix("response_")
    rows = []
    for each in rates:
        cells = tuple(cell(view.at(name, case, metric, each), percentile) for name in view.variants)
        rows.append(Row(f"{rate(each)} per second", "", cells))
    return Table(title, tuple(view.title(name) for name in view.variants), tuple(rows), "offered")


def resources(view: View) -> Table | None:
    """Return what the answers cost at the highest rate that all architectures settled at; None where nobody knows.

    At low load most of the processor time goes into waiting for the next request.
    """
    settled = [each for each in view.common_rates(STACK, CPU) if not _saturates(view, each)]
    at = max(settled, default=None)
    if at is None and not any(view.results.find(name, STACK, MEMORY) for name in view.variants):
        return None
    rows = []
    for name in view.variants:
        cpu = None if at is None else view.at(name, STACK, CPU, at)
        memory = view.results.find(name, STACK, MEMORY)
        size = cell(memory) if memory is None or not memory.known else Cell(number(memory.value, memory.unit))
        rows.append(Row(view.title(name), name, (cell(cpu), size)))
    where = "" if at is None else f" at {rate(at)} predictions per second"
    return Table(f"Resources of the whole stack{where}", ("CPU seconds per 1,000 answers", "memory"), tuple(rows))


def _saturates(view: View, offered: float) -> bool:
    rows = [view.at(name, PREDICTION, RESPONSES[0], offered) for name in view.variants]
    return any(row is not None and row.verdict == SATURATED for row in rows)
