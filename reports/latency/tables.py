"""The tables of the room: response times at low load, stages, every number by load, what the answers cost."""

from collections.abc import Callable

from reports.latency.captions import BACKLOG, stage_ms
from reports.latency.loads import Load, loads
from reports.reading.results import GOODPUT, PREDICTION, RAW_LIMIT
from reports.reading.view import PERCENTILES, STAGES, View, case_title, short
from reports.section import ABSENT, Cell, Row, Table, cell
from reports.wording import number, rate
from runfile.facts import Latency
from runfile.rows import SATURATED

HEADLINE_CASES = (PREDICTION, "metadata")
STACK = "all"  # the case of rows that are about the whole stack, whatever it was asked
CPU, MEMORY = "cpu_s_per_1000", "memory"
RESPONSES = tuple(f"response_{each}" for each in PERCENTILES)


def headlines(view: View[Latency]) -> list[Table]:
    """Return the tables that a decision is read from."""
    return [_responses(view, case) for case in view.cases if case in HEADLINE_CASES]


def responses(view: View[Latency]) -> list[Table]:
    """All route classes: the numbers behind the figure of percentiles."""
    return [_responses(view, case) for case in view.cases]


def _responses(view: View[Latency], case: str) -> Table:
    columns = (*(f"{each}, ms" for each in PERCENTILES), "failed", "n")
    names = view.with_raw_limit(case)
    return _table(view, case_title(case), columns, names, lambda name: _response_cells(view, name, case))


def _response_cells(view: View[Latency], name: str, case: str) -> tuple[Cell, ...]:
    rows = [view.percentile(name, case, each) for each in PERCENTILES]
    failed = view.results.find(name, case, "failed_share")
    share = ABSENT if failed is None and name == RAW_LIMIT else cell(failed)
    count = next((row.n for row in (*rows, failed) if row is not None and row.n is not None), None)
    times = [cell(row, each) for row, each in zip(rows, PERCENTILES, strict=True)]
    return (*times, share, ABSENT if count is None else Cell(f"{count:,}"))


def stages(view: View[Latency]) -> Table:
    """Return the numbers behind the figure of stages."""
    columns = (*(f"{stage}, ms" for stage in STAGES), "response p50, ms")

    def cells(name: str) -> tuple[Cell, ...]:
        rows = [view.results.find(name, PREDICTION, f"stage_{stage}_p50") for stage in STAGES]
        return (*map(cell, rows), cell(view.percentile(name, PREDICTION, "p50"), "p50"))

    return _table(view, "Median time by stage of a prediction", columns, view.variants, cells)


def has_stages(view: View[Latency]) -> bool:
    """Whether any variant reported where the time of a prediction went."""
    return any(stage_ms(view, name, stage) for name in view.variants for stage in STAGES)


def _table(
    view: View[Latency],
    title: str,
    columns: tuple[str, ...],
    names: tuple[str, ...],
    cells: Callable[[str], tuple[Cell, ...]],
) -> Table:
    return Table(title, columns, tuple(Row(view.title(name), name, cells(name)) for name in names))


def by_load(view: View[Latency]) -> list[Table]:
    """Return the numbers by load that anybody has: response times, failures, goodput, backlog, processor time."""
    wanted = [
        *(
            (case, metric, f"{short(case)}: {metric.replace('_', ' ')}, ms")
            for case in view.cases
            for metric in RESPONSES
        ),
        *((case, "failed_share", f"{short(case)}: failed") for case in view.cases),
        (PREDICTION, GOODPUT, "Prediction: good answers within the SLO, per second"),
        (PREDICTION, BACKLOG, "Prediction: backlog at the end of the step, requests"),
        (STACK, CPU, "CPU seconds of the whole stack per 1,000 good answers"),
    ]
    found = loads(view)
    tables = [_by_load(view, found, *each) for each in wanted if _is_known(view, *each[:2])]
    by_rate = all(len(set(load.rates.values())) == 1 for load in found)
    return tables if by_rate else [_rates(view, found), *tables]


def _is_known(view: View[Latency], case: str, metric: str) -> bool:
    return any(row.known for name in view.variants for row in view.results.by_rate(name, case, metric))


def _by_load(view: View[Latency], found: list[Load], case: str, metric: str, title: str) -> Table:
    """Return one number, a line per load at which anybody has it and a column per architecture."""
    percentile, rows = metric.removeprefix("response_"), []
    for load in found:
        known = [view.results.at(name, case, metric, load.rates.get(name)) for name in view.variants]
        if any(known):
            rows.append(Row(load.title, "", tuple(cell(row, percentile) for row in known)))
    return Table(title, tuple(view.titles.values()), tuple(rows), "offered")


def _rates(view: View[Latency], found: list[Load]) -> Table:
    """Return how many predictions per second each load was: where it is a share of capacity, each one's own."""
    rows = [Row(load.title, "", tuple(_rate(load, name) for name in view.variants)) for load in found]
    return Table("Offered predictions, per second", tuple(view.titles.values()), tuple(rows), "offered")


def _rate(load: Load, name: str) -> Cell:
    return Cell(rate(load.rates[name])) if name in load.rates else cell(None)


def resources(view: View[Latency]) -> Table | None:
    """Return what the answers cost at the highest load that all architectures settled at; None where nobody knows.

    At low load most of the processor time goes into waiting for the next request; where the backlog grows, answers come
    after the step whose processor time was counted.
    """
    at = next((load for load in reversed(loads(view)) if _settled(view, load)), None)
    if at is None and not any(view.results.find(name, STACK, MEMORY) for name in view.variants):
        return None
    rows = []
    for name in view.variants:
        cpu = None if at is None else view.results.at(name, STACK, CPU, at.rates[name])
        memory = view.results.find(name, STACK, MEMORY)
        size = cell(memory) if memory is None or not memory.known else Cell(number(memory.value, memory.unit))
        rows.append(Row(view.title(name), name, (cell(cpu), size)))
    where = f" at {at.title}" if at else ""
    return Table(f"Resources of the whole stack{where}", ("CPU seconds per 1,000 answers", "memory"), tuple(rows))


def _settled(view: View[Latency], load: Load) -> bool:
    """Whether everybody was offered this load, no backlog grew, and the processor time is known."""
    for name in view.variants:
        offered = load.rates.get(name)
        median = view.results.at(name, PREDICTION, RESPONSES[0], offered)
        if median is None or median.verdict == SATURATED or view.results.at(name, STACK, CPU, offered) is None:
            return False
    return True
