"""Slices of a closed loop, seen from the harness: asks `closed.py` for each and counts; rounds of them.

A round has slices of a server between two of the bare loop: what a server is worth is known within a round only.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import median

import pyarrow as pa

from bench.exits import GeneratorFailed
from bench.gates.thresholds import Thresholds
from bench.load.plan import Target
from bench.processes.turns import Turns
from runfile.columns import REQUESTS, filled
from runfile.facts import Round, Slice
from runfile.folder import replace

NO_OP, MODEL = "no-op", "efficientnet-lite"
ALONE, CROWD = 1, 8
CLIENTS = {NO_OP: (CROWD,), MODEL: (ALONE, CROWD)}
CASES = {(NO_OP, CROWD): "no-op", (MODEL, ALONE): "alone", (MODEL, CROWD): "8 clients"}
CHANGED = 1.25  # more from one side of what is measured to the other, and nobody knows what it was held against
START_ALLOWANCE_S = 30.0
MS, SECOND = 1e6, 1e9  # in ns


@dataclass(frozen=True)
class Orders:
    """Which peer to ask where for what; `settle_s` come before each slice and do not count."""

    url: str
    peer: str
    targets: Sequence[Target]
    settle_s: float
    patience_s: float


@dataclass(frozen=True)
class Exchange:
    """One request as it ended, ns from when its slice begins to count; `status` is 0 where no whole answer came."""

    client: int
    began_ns: int
    done_ns: int
    photo: str
    status: int
    outcome: str


@dataclass(frozen=True)
class Asked:
    """All that so many clients asked in a slice, in the order of sending; what ended before time 0 does not count."""

    clients: int
    seconds: float
    exchanges: Sequence[Exchange]

    def counts(self, each: Exchange) -> bool:
        """Whether one ended within the slice."""
        return 0 <= each.done_ns <= self.seconds * SECOND

    @cached_property
    def counted(self) -> list[Exchange]:
        """Those that did."""
        return [each for each in self.exchanges if self.counts(each)]

    @property
    def by_client(self) -> list[list[Exchange]]:
        """Those that count, of each client."""
        return [[each for each in self.counted if each.client == client] for client in range(self.clients)]

    @property
    def rate_per_s(self) -> float:
        """Right answers per second: the sum over clients, each from its first answer to its last.

        Answers that come in batches would make the number within a window a matter of luck.
        """
        right = sum(each.outcome == "ok" for each in self.counted) / max(1, len(self.counted))
        return right * sum(rate_of(own, self.seconds * SECOND) for own in self.by_client)

    @property
    def turnaround_ms(self) -> float | None:
        """What a client takes from an answer to its next request: the median, None where nobody asked twice.

        That is what the clients themselves cost. Only between whole answers, since after a failure they rest.
        """
        pairs = [pair for own in self.by_client for pair in pairwise(own)]
        took = [(after.began_ns - before.done_ns) / MS for before, after in pairs if before.status and after.status]
        return median(took) if took else None

    def facts(self, step: int) -> Slice:
        """Return this for run.json."""
        failures = dict(Counter(each.outcome for each in self.counted if each.outcome != "ok"))
        return Slice(self.clients, self.rate_per_s, self.turnaround_ms, len(self.counted), failures, step)

    def table(self, case: str, step: int) -> pa.Table:
        """Return the rows of requests.parquet. A client decides by itself when to ask: that is when it was due."""
        rows = [
            {"intended_ns": each.began_ns, "sent_ns": each.began_ns, "done_ns": each.done_ns, "photo_id": each.photo,
             "status": each.status or None, "outcome": each.outcome, "counted": self.counts(each)}
            for each in self.exchanges
        ]  # fmt: skip
        return filled(pa.Table.from_pylist(rows), REQUESTS, case=case, step=step)


def rate_of(own: Sequence[Exchange], until_ns: float) -> float:
    """Return a client's answers per second, from its first to its last.

    A slice can be too short for two. A single one stands for the longer of its own time and what was left after it.
    """
    if len(own) > 1:
        return (len(own) - 1) / max(1, own[-1].done_ns - own[0].done_ns) * SECOND
    return sum(SECOND / max(1, each.done_ns - each.began_ns, until_ns - each.done_ns) for each in own)


class ClosedLoop(Turns):
    """The clients of one running peer as a process that stays. Their connections stay open, too."""

    def __init__(self, orders: Orders, folder: Path, *, log: Path, cores: tuple[int, ...]) -> None:
        path = (folder / "orders.json").absolute()  # the clients' current folder is another one
        folder.mkdir(parents=True, exist_ok=True)
        replace(path, json.dumps(asdict(orders)))
        argv = [sys.executable, "-m", "bench.peers.closed", str(path)]
        super().__init__("the clients", argv, log=log, cores=cores, failure=GeneratorFailed)
        self._allowance_s = orders.settle_s + orders.patience_s + START_ALLOWANCE_S

    def turn(self, clients: int, seconds: float) -> Asked:
        """Measure one slice of so many clients for so many seconds. Raises GeneratorFailed."""
        told = json.loads(self.ask(f"{clients}:{seconds:g}", seconds + self._allowance_s))
        return Asked(clients, seconds, [Exchange(*each) for each in told])


def typical(rounds: Sequence[Round], figure: Callable[[Round], float]) -> float:
    """Return the median over the rounds that count: a pause of the machine hits single turns, and moves a mean."""
    return median(figure(each) for each in rounds if not each.reason)


def changed(before: float, after: float) -> bool:
    """Whether two measurements of the same around another one differ too much for it."""
    return max(before, after) > CHANGED * min(before, after)


def spoiled(limits: Thresholds, this: Round) -> str:
    """Say how clients or machine spoiled a round, "" if they did not. What the server showed is not looked at."""
    slowest = max(each.turnaround_ms or 0.0 for each in this.slices)
    if slowest > limits["G1"].fails:
        return f"the clients took {slowest:.3g} ms to ask again"
    if changed(this.before_ms, this.after_ms):
        return f"the bare loop changed around it, from {this.before_ms:.3g} to {this.after_ms:.3g} ms per photo"
    return ""
