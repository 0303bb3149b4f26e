"""The tables of the room: response times at low load, stages, every number by load, what the answers cost."""

from collections.abc import Sequence

from reports.latency.captions import BACKLOG
from reports.latency.loads import Load, loads
from reports.reading.results import GOODPUT, PREDICTION, RAW_LIMIT
from reports.reading.view import PERCENTILES, View, case_title, short
from reports.section import ABSENT, Cell, Row, Table, cell
from reports.wording import metric, number, rate
from runfile.columns import STAGES
from runfile.facts import Latency
from runfile.rows import SATURATED

STACK = "all"  # the case of rows that are about the whole stack, whatever it was asked
CPU, MEMORY = "cpu_s_per_1000", "memory"
RESPONSES = tuple(f"response_{each}" for each in PERCENTILES)


def responses(view: View[Latency], cases: Sequence[str] = ()) -> list[Table]:
    """Return the response times at low load of these route classes, or of all."""
    return [_responses(view, case) for case in view.cases if case in (cases or view.cases)]


def _responses(view: View[Latency], case: str) -> Table:
    columns = (*(f"{each}, ms" for each in PERCENTILES), "failed", "n")
    limit = [RAW_LIMIT] if view.percentile(RAW_LIMIT, case, "p50") else []
    rows = [Row(view.title(name), name, _response_cells(view, name, case)) for name in (*view.variants, *limit)]
    return Table(case_title(case), columns, rows)


def _response_cells(view: View[Latency], name: str, case: str) -> list[Cell]:
    rows = [view.percentile(name, case, each) for each in PERCENTILES]
    failed = view.results.find(name, case, "failed_share")
    share = ABSENT if failed is None and name == RAW_LIMIT else cell(failed)
    count = next((row.n for row in (*rows, failed) if row is not None and row.n is not None), None)
    return [*map(cell, rows), share, ABSENT if count is None else Cell(f"{count:,}")]


def stages(view: View[Latency]) -> Table:
    """Return the numbers behind the figure of stages."""
    metrics = (*(f"stage_{stage}_p50" for stage in STAGES), RESPONSES[0])
    rows = [
        Row(view.title(name), name, [cell(view.results.find(name, PREDICTION, each)) for each in metrics])
        for name in view.variants
    ]
    columns = (*(f"{stage}, ms" for stage in STAGES), "response p50, ms")
    return Table("Median time by stage of a prediction", columns, rows)


def by_load(view: View[Latency]) -> list[Table]:
    """Return the numbers by load that anybody has: response times, failures, goodput, backlog, processor time."""
    found = loads(view)
    wanted = {
        **{(case, each): f"{short(case)}: {metric(each)}, ms" for case in view.cases for each in RESPONSES},
        **{(case, "failed_share"): f"{short(case)}: failed" for case in view.cases},
        (PREDICTION, GOODPUT): "Prediction: good answers within the SLO, per second",
        (PREDICTION, BACKLOG): "Prediction: backlog at the end of the step, requests",
        (STACK, CPU): "CPU seconds of the whole stack per 1,000 good answers",
    }
    tables = []
    if any(len(set(load.rates.values())) > 1 for load in found):  # a share of capacity is another rate for each
        lines = {load.title: [_rate(load, name) for name in view.variants] for load in found}
        tables.append(_by_load(view, "Offered predictions, per second", lines))
    for (case, each), title in wanted.items():
        rows = [[view.results.at(name, case, each, load.rates.get(name)) for name in view.variants] for load in found]
        if any(row is not None and row.known for line in rows for row in line):
            lines = {load.title: [*map(cell, line)] for load, line in zip(found, rows, strict=True) if any(line)}
            tables.append(_by_load(view, title, lines))
    return tables


def _by_load(view: View[Latency], title: str, lines: dict[str, list[Cell]]) -> Table:
    """Return a table with a line per load and a column per architecture."""
    rows = [Row(load, "", cells) for load, cells in lines.items()]
    return Table(title, tuple(view.titles.values()), rows, "offered")


def _rate(load: Load, name: str) -> Cell:
    return Cell(rate(load.rates[name])) if name in load.rates else cell(None)


def resources(view: View[Latency]) -> Table | None:
    """Return what the answers cost at the highest load that all architectures settled at; None where nobody knows.

    At low load most of the processor time goes into waiting for the next request; where the backlog grows, answers come
    after the step whose processor time was counted.
    """
    at = next((load for load in reversed(loads(view)) if _settled(view, load)), None)
    memory = {name: view.results.find(name, STACK, MEMORY) for name in view.variants}
    if at is None and not any(memory.values()):
        return None
    rows = []
    for name, held in memory.items():
        cpu = None if at is None else view.results.at(name, STACK, CPU, at.rates[name])
        size = cell(held) if held is None or not held.known else Cell(number(held.value, held.unit))
        rows.append(Row(view.title(name), name, [cell(cpu), size]))
    where = f" at {at.title}" if at else ""
    return Table(f"Resources of the whole stack{where}", ("CPU seconds per 1,000 answers", "memory"), rows)


def _settled(view: View[Latency], load: Load) -> bool:
    """Whether everybody was offered this load, no backlog grew, and the processor time is known."""
    for name in view.variants:
        offered = load.rates.get(name)
        median = view.results.at(name, PREDICTION, RESPONSES[0], offered)
        if median is None or median.verdict == SATURATED or view.results.at(name, STACK, CPU, offered) is None:
            return False
    return True
