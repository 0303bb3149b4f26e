"""What a run of the peers prints at its end: the table in brief, the promises, and what does not count."""

from collections.abc import Mapping, Sequence

from bench.peers.results import BARE
from runfile.facts import Check, Peers, Run
from runfile.rows import ResultRow

HEAD = (
    f"{'server':<12} {'no-op/s':>8} {'own cost ms':>20} {'model/s':>8} {'of bare':>8} {'2x good':>8} {'5x good':>8} "
    f"{'2x p99 ms':>10} {'2x refused':>10} {'MB':>6}"
)
NEVER = 1e12  # a cost that is not known comes last

Cells = Mapping[tuple[str, str, str], ResultRow]


def words(run: Run, rows: Sequence[ResultRow]) -> list[str]:
    """Return the lines, the cheapest server first."""
    found = run.experiments.peers or Peers()
    cells = {(row.variant, row.case, row.metric): row for row in rows}
    names = {row.variant for row in rows} - {BARE}
    lines = [HEAD, *(line(cells, name) for name in (BARE, *sorted(names, key=lambda each: cost(cells, each)))), ""]
    lines += [f"{check.verdict:>9}: {promise_words(check)}" for check in found.checks]
    return lines + [f"not counted: {e.variant}, {e.case}, block {e.block}: {e.reason}" for e in found.withheld]


def cost(cells: Cells, name: str) -> float:
    """Return the own cost to sort by."""
    row = cells.get((name, "no-op", "own_cost"))
    return NEVER if row is None or row.value is None else row.value


def line(cells: Cells, name: str) -> str:
    """Return one line of the table."""

    def of(case: str, metric: str, digits: str = ".3g") -> str:
        row = cells.get((name, case, metric))
        return "-" if row is None or row.value is None else format(row.value, digits)

    own = cells.get((name, "no-op", "own_cost"))
    low, high = (None, None) if own is None else (own.low, own.high)
    around = f" [{low:.2f}, {high:.2f}]" if low is not None and high is not None else ""
    crowd = "alone" if name == BARE else "8 clients"
    return (
        f"{name:<12} {of('no-op', 'throughput'):>8} {of('no-op', 'own_cost', '.2f') + around:>20} "
        f"{of(crowd, 'throughput'):>8} {of('8 clients', 'share_of_bare', '.1%'):>8} "
        f"{of('2 x capacity', 'goodput_share', '.0%'):>8} {of('5 x capacity', 'goodput_share', '.0%'):>8} "
        f"{of('2 x capacity', 'accepted_p99', '.0f'):>10} {of('2 x capacity', 'refused_share', '.0%'):>10} "
        f"{of('8 clients', 'memory', '.0f'):>6}"
    )


def promise_words(check: Check) -> str:
    """Return a promise in one line: title, value with interval, limit, note."""
    shown = "-" if check.value is None else f"{check.value:.3g}"
    around = f" [{check.low:.3g}, {check.high:.3g}]" if check.low is not None and check.high is not None else ""
    note = f" ({check.note})" if check.note else ""
    return f"{check.title}: {shown}{around} {check.unit}, {check.bound} {check.limit:g}{note}"
