"""Closed-loop slices seen from the harness: starts `closed.py` on the generator's cores and asks it for each."""

import json
import sys
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.exits import GeneratorFailed
from bench.load.plan import Post, Target
from bench.peers.asking import request_for
from bench.peers.peer import Peer
from bench.processes.turns import Turns
from bench.session.runfolder import replace

START_ALLOWANCE_S = 30.0


@dataclass(frozen=True)
class Slice:
    """What one slice showed: right answers per second, milliseconds of each answer (a failure's are infinite)."""

    clients: int
    rate_per_s: float
    latency_ms: Sequence[float]
    failures: Mapping[str, int]
    turnaround_ms: float | None  # of a client, from an answer to its next request; None if nobody asked twice

    def record(self) -> dict[str, object]:
        """Return this for run.json; the latencies would be most of the file."""
        shown = {"clients": self.clients, "rate_per_s": self.rate_per_s, "n": len(self.latency_ms)}
        return {**shown, "failures": dict(self.failures), "turnaround_ms": self.turnaround_ms}


@dataclass(frozen=True)
class Photo:
    """What is asked about: an encoded photo, and the first label that is right."""

    name: str
    image: bytes
    label: str


def targets(peer: Peer, photos: Iterable[Photo], model: str, deadline_ms: float | None = None) -> list[Target]:
    """Return the requests that ask a peer for every photo, ready to be told to a process that sends them."""
    found: list[Target] = []
    for photo in photos:
        message = request_for(peer, photo.image, model=model, deadline_ms=deadline_ms)
        body = b64encode(message.body).decode("ascii")
        post = Post(headers=message.headers, body=body)
        found.append({"id": photo.name, "path": message.path, "labels": [photo.label], "post": post})
    return found


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

    def turn(self, clients: int, seconds: float) -> Slice:
        """Measure one slice of so many clients for so many seconds. Raises GeneratorFailed."""
        most_s = seconds + self._settle_s + self._patience_s + START_ALLOWANCE_S
        return Slice(**json.loads(self.ask(f"{clients}:{seconds:g}", most_s)))
