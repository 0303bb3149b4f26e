"""The tables of the comparison of inference servers. Every number is a row of results.csv."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reports.reading.results import Results, finite
from reports.section import ABSENT, Row, Table, cell

BARE = "bare loop"
CAPACITY = " x capacity"

# Heading, case and metric of each column.
MAIN = (
    ("no-op, 1/s", "no-op", "throughput"),
    ("own cost, ms", "no-op", "own_cost"),
    ("model, 1/s", "8 clients", "throughput"),
    ("of the bare loop, 8 clients", "8 clients", "share_of_bare"),
    ("of the bare loop, 1 client", "alone", "share_of_bare"),
    ("memory, MB", "8 clients", "memory"),
)
BARE_LOOP = (("no-op", "throughput"), None, ("alone", "throughput"), None, None, None)  # what it has of them
LATENCIES = (
    ("1 client: 1/s", "alone", "throughput"),
    ("p50, ms", "alone", "latency_p50"),
    ("p99, ms", "alone", "latency_p99"),
    ("8 clients: p50, ms", "8 clients", "latency_p50"),
    ("p99, ms", "8 clients", "latency_p99"),
    ("clients' turnaround, ms", "8 clients", "client_turnaround"),
)
OVERLOAD = {
    "good, of capacity": "goodput_share",
    "accepted p50, ms": "accepted_p50",
    "accepted p99, ms": "accepted_p99",
    "refused": "refused_share",
    "refusal p50, ms": "refusal_p50",
    "all p50, ms": "response_p50",
}
IMAGES = {"Pillow + NumPy, ms": "reference", "ours, ms": "ours", "ratio": "ratio", "same first label": "agreement"}

Servers = list[tuple[str, str]]  # name and title


def by_cost(found: Results, titles: Mapping[str, str]) -> Servers:
    """Return the servers of which there is a number: the one with the smallest own cost first, those without last."""
    costs = {name: finite(found.find(name, "no-op", "own_cost")) for name in found.variants if name != BARE}
    names = sorted(costs, key=lambda name: (costs[name] is None, costs[name] or 0.0))
    return [(name, titles.get(name, name)) for name in names]


def main(found: Results, servers: Servers) -> Table:
    """Return the table of issue and README: what a server costs, and what is left of the bare loop."""
    table = _table("Throughput and own cost", found, servers, MAIN)
    bare = [ABSENT if of is None else cell(found.find(BARE, *of)) for of in BARE_LOOP]
    return replace(table, rows=[Row(BARE, BARE, bare), *table.rows])


def latencies(found: Results, servers: Servers) -> Table:
    """Return the latencies in the closed loop."""
    return _table("EfficientNet-Lite in the closed loop", found, servers, LATENCIES)


def overloads(found: Results, servers: Servers) -> list[Table]:
    """Return one table for every load."""
    return [
        _table(f"At {load} times capacity", found, servers, [(name, case, each) for name, each in OVERLOAD.items()])
        for load, case in loads(found).items()
    ]


def _table(title: str, found: Results, servers: Servers, columns: Sequence[tuple[str, str, str]]) -> Table:
    """Return a table with a line for each server."""
    rows = [
        Row(shown, name, [cell(found.find(name, case, metric)) for _, case, metric in columns])
        for name, shown in servers
    ]
    return Table(title, tuple(heading for heading, *_ in columns), rows, "server")


def images(found: Results) -> Table | None:
    """Return the image path, if it was measured."""
    if found.find(BARE, "image path", "ratio") is None:
        return None
    cells = [cell(found.find(BARE, "image path", metric)) for metric in IMAGES.values()]
    return Table("The image path", tuple(IMAGES), [Row("decode, crop, resize, normalise", "", cells)], "")


def loads(found: Results) -> dict[str, str]:
    """Return the multiples of capacity that were offered, rising, each with the name of its case."""
    cases = {row.case.removesuffix(CAPACITY): row.case for row in found.rows if row.case.endswith(CAPACITY)}
    return dict(sorted(cases.items(), key=lambda each: float(each[0])))


def in_figure(found: Results) -> list[tuple[str, str, str]]:
    """Return the loads of the figure: label, case and the metric of its p99. Eight clients are capacity itself."""
    beyond = [(f"{load} x", case, "accepted_p99") for load, case in loads(found).items()]
    return [("1 x", "8 clients", "latency_p99"), *beyond]
