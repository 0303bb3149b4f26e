"""What a run of the peers prints at its end: the table in brief, the promises, and who is missing."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.peers.results import BARE

HEAD = (
    f"{'server':<12} {'no-op/s':>8} {'own cost ms':>20} {'model/s':>8} {'of bare':>8} {'2x good':>8} {'5x good':>8} "
    f"{'2x p99 ms':>10} {'2x refused':>10} {'MB':>6}"
)
NEVER = 1e12  # a cost that is not known comes last

Row = Mapping[str, Any]


def closing_words(facts: Mapping[str, Any], table: Sequence[Row]) -> list[str]:
    """Return the lines, the cheapest server first."""
    cells = {(row["variant"], row["case"], row["metric"]): row for row in table}
    names = {row["variant"] for row in table} - {BARE}
    lines = [HEAD, *(line(cells, name) for name in (BARE, *sorted(names, key=lambda each: cost(cells, each)))), ""]
    lines += [f"{check['verdict']:>9}: {promise_words(check)}" for check in facts["checks"]]
    lines += [f"not counted: {each['variant']}, {each['case']}, block {each['block']}: {each['reason']}"
              for each in facts["withheld"]]  # fmt: skip
    lines += [f"left out: {each['title']}: {each['failed']}" for each in facts["peers"] if each["failed"]]
    if facts["state"] != "complete":
        lines.append(f"The run was {facts['state']}; what was measured before is kept.")
    if not facts["validity"]["valid"]:
        lines += ["This run is not valid, do not use its numbers:"]
        lines += [f"  - {reason}" for reason in facts["validity"]["reasons"]]
    return lines


def cost(cells: Mapping[tuple[str, str, str], Row], name: str) -> float:
    """Return the own cost to sort by."""
    value = cells.get((name, "no-op", "own_cost"), {}).get("value")
    return NEVER if value is None else float(value)


def line(cells: Mapping[tuple[str, str, str], Row], name: str) -> str:
    """Return one line of the table."""

    def of(case: str, metric: str, digits: str = ".3g") -> str:
        value = cells.get((name, case, metric), {}).get("value")
        return "-" if value is None else format(value, digits)

    own = cells.get((name, "no-op", "own_cost"), {})
    low, high = own.get("low"), own.get("high")
    around = f" [{low:.2f}, {high:.2f}]" if low is not None and high is not None else ""
    crowd = "alone" if name == BARE else "8 clients"
    return (
        f"{name:<12} {of('no-op', 'throughput'):>8} {of('no-op', 'own_cost', '.2f') + around:>20} "
        f"{of(crowd, 'throughput'):>8} {of('8 clients', 'share_of_bare', '.1%'):>8} "
        f"{of('2 x capacity', 'goodput_share', '.0%'):>8} {of('5 x capacity', 'goodput_share', '.0%'):>8} "
        f"{of('2 x capacity', 'accepted_p99', '.0f'):>10} {of('2 x capacity', 'refused_share', '.0%'):>10} "
        f"{of('8 clients', 'memory', '.0f'):>6}"
    )


def promise_words(check: Row) -> str:
    """Return a promise in one line: title, value with interval, limit, note."""
    value, low, high = (check[key] for key in ("value", "low", "high"))
    shown = "-" if value is None else f"{value:.3g}"
    around = f" [{low:.3g}, {high:.3g}]" if low is not None and high is not None else ""
    note = f" ({check['note']})" if check["note"] else ""
    return f"{check['title']}: {shown}{around} {check['unit']}, {check['bound']} {check['limit']:g}{note}"
