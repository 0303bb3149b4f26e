"""Closed-loop slices seen from the harness: starts `closed.py` on the generator's cores, asks it for each, counts."""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Self

import pyarrow as pa

from bench.exits import GeneratorFailed
from bench.load.plan import Target
from bench.processes.turns import Turns
from runfile.columns import REQUESTS, filled
from runfile.facts import Slice
from runfile.folder import replace

START_ALLOWANCE_S = 30.0
MS, SECOND = 1e6, 1e9  # in ns


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
        """Those that ended within the slice."""
        return [each for each in self.exchanges if self.counts(each)]

    @cached_property
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

    def __init__(self, orders: Path, *, log: Path, cores: tuple[int, ...], settle_s: float, patience_s: float) -> None:
        argv = [sys.executable, "-m", "bench.peers.closed", str(orders)]
        super().__init__("the clients", argv, log=log, cores=cores, failure=GeneratorFailed)
        self._orders = orders
        self._settle_s = settle_s
        self._patience_s = patience_s

    def prepare(self, url: str, peer: str, asked: Sequence[Target]) -> Self:
        """Write down whom to ask for what, which comes before the `with`."""
        facts = {"url": url, "peer": peer, "targets": asked, "settle_s": self._settle_s, "patience_s": self._patience_s}
        self._orders.parent.mkdir(parents=True, exist_ok=True)
        replace(self._orders, json.dumps(facts))
        return self

    def turn(self, clients: int, seconds: float) -> Asked:
        """Measure one slice of so many clients for so many seconds. Raises GeneratorFailed."""
        most_s = seconds + self._settle_s + self._patience_s + START_ALLOWANCE_S
        told = json.loads(self.ask(f"{clients}:{seconds:g}", most_s))
        return Asked(clients, seconds, [Exchange(*each) for each in told])
