"""Peers against peers: a row per server and number that both runs have, from their intervals. Pure.

A difference is told when it is surely more than the machine alone may have done; the chance that any row of the table
is wrongly told is 5 % (Holm 1979). There is no A/A arm among servers, so there is no noise floor.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bench.comparing.row import UNTOLD, Row, judged
from bench.comparing.side import Side, common, estimate
from bench.comparing.welch import NOTHING, Band, from_intervals, of_ratio
from bench.statistics.estimates import Estimate
from runfile import Recorded
from runfile.rows import ResultRow

BARE, THROUGHPUT = "bare loop", "throughput"
NO_SPEED = ("memory", "refused_share", "client_turnaround")  # more of it is not slower
MACHINE_FREE = ("share", "MB")  # units of what a slower machine leaves as it is
NAMES: Mapping[str, str] = {}  # their own
LEGEND = (
    "All numbers as in results.csv. For throughput, goodput and shares of the bare loop, slower means less.",
    "NEW/BASE follows from both intervals; nobody was measured twice, so there is no noise floor.",
)


@dataclass(frozen=True, kw_only=True)
class Peers(Side):
    """What a peers run found: its rows by variant, case and metric."""

    numbers: Mapping[tuple[str, str, str], ResultRow]


def side(recorded: Recorded) -> Peers:
    """Return what a comparison needs of a run."""
    found = recorded.run.experiments.peers
    assert found is not None  # noqa: S101 - only experiments that a run has are asked for
    rows = [row for row in recorded.results or () if row.experiment == "peers"]
    bare = [row for row in rows if row.variant == BARE]
    return Peers(
        **common(recorded, "peers", **{f"peer {each.name}: release": each.release for each in found.peers}),
        variants=[each.name for each in found.peers if not each.failed],
        bare_ms={f"{BARE}, {row.case}": per_photo(row) for row in bare if row.metric == THROUGHPUT},
        numbers={(row.variant, row.case, row.metric): row for row in rows if row.variant != BARE},
    )


def per_photo(rate: ResultRow) -> Estimate:
    """Return the milliseconds per photo of so many photos per second."""
    value, low, high = (1e3 / edge if edge else None for edge in (rate.value, rate.high, rate.low))
    return Estimate(value, low, high, rate.n or 0)


def compare(base: Peers, new: Peers, band: Band | None) -> list[Row]:
    """Return the rows of all servers that both runs have, with verdicts. `band`: see `machine.band`."""
    blocks = min(base.blocks, new.blocks)
    servers = {*base.variants} & {*new.variants}
    keys = [key for key in base.numbers if key[0] in servers and key in new.numbers]
    return judged([measured(base.numbers[key], new.numbers[key], blocks, band) for key in keys])


def measured(base: ResultRow, new: ResultRow, blocks: int, band: Band | None) -> Row:
    """Return a row that has everything but its verdict."""
    was, now = estimate(base), estimate(new)
    row = Row(base.variant, base.case, base.metric, None, was, now, NOTHING, 0.0)
    ratio = from_intervals(was, now)
    found = of_ratio(ratio, blocks)
    if found is None:
        withheld = [label for label, own in (("BASE", base), ("NEW", new)) if not own.known]
        why = f"withheld in {' and '.join(withheld)}" if withheld else "no interval, or not above 0"
        return replace(row, why=why)
    row = replace(row, ratio=ratio)
    if base.metric in NO_SPEED:
        return replace(row, verdict=UNTOLD, why="no speed, so only shown")
    return row.tested(found, band, 0.0 if base.unit in MACHINE_FREE else 1.0)
