"""What a run of the peers prints at its end: the table in brief, the promises, and what does not count."""

from collections.abc import Mapping, Sequence

from bench.peers.results import BARE
from runfile.facts import Check, Peers, Run
from runfile.rows import ResultRow

COLUMNS = (  # title, width, and of which case which metric
    ("no-op/s", 8, "no-op", "throughput", ".3g"),
    ("own cost ms", 20, "no-op", "own_cost", ".2f"),
    ("model/s", 8, "8 clients", "throughput", ".3g"),
    ("of bare", 8, "8 clients", "share_of_bare", ".1%"),
    ("2x good", 8, "2 x capacity", "goodput_share", ".0%"),
    ("5x good", 8, "5 x capacity", "goodput_share", ".0%"),
    ("2x p99 ms", 10, "2 x capacity", "accepted_p99", ".0f"),
    ("2x refused", 10, "2 x capacity", "refused_share", ".0%"),
    ("MB", 6, "8 clients", "memory", ".0f"),
)
NEVER = 1e12  # a cost that is not known comes last

Cells = Mapping[tuple[str, str, str], ResultRow]


def words(run: Run, rows: Sequence[ResultRow]) -> list[str]:
    """Return the lines, the cheapest server first."""
    found = run.experiments.peers or Peers()
    cells = {(row.variant, row.case, row.metric): row for row in rows}
    costs = {row.variant: row.value for row in rows if row.metric == "own_cost" and row.value is not None}
    names = sorted({row.variant for row in rows} - {BARE}, key=lambda name: costs.get(name, NEVER))
    head = " ".join([f"{'server':<12}", *(f"{title:>{width}}" for title, width, *_ in COLUMNS)])
    lines = [head, *(line(cells, name) for name in (BARE, *names)), ""]
    lines += [f"{check.verdict:>9}: {promise_words(check)}" for check in found.checks]
    return lines + [f"not counted: {e.variant}, {e.case}, block {e.block}: {e.reason}" for e in found.withheld]


def line(cells: Cells, name: str) -> str:
    """Return one line of the table. The bare loop has no clients: it is alone."""
    shown = [f"{name:<12}"]
    for _, width, case, metric, digits in COLUMNS:
        row = cells.get((name, "alone" if name == BARE and case == "8 clients" else case, metric))
        text = "-" if row is None or row.value is None else format(row.value, digits)
        around = interval(row, digits) if row is not None and metric == "own_cost" else ""
        shown.append(f"{text + around:>{width}}")
    return " ".join(shown)


def interval(of: ResultRow | Check, digits: str) -> str:
    """Return an interval in brackets, "" where there is none."""
    return "" if of.low is None or of.high is None else f" [{of.low:{digits}}, {of.high:{digits}}]"


def promise_words(check: Check) -> str:
    """Return a promise in one line: title, value with interval, limit, note."""
    shown = ("-" if check.value is None else f"{check.value:.3g}") + interval(check, ".3g")
    return f"{check.title}: {shown} {check.unit}, {check.bound} {check.limit:g}{check.note and f' ({check.note})'}"
