"""Closed-loop slices seen from the harness: starts `closed.py` on the generator's cores and reads what it measured."""

import json
import sys
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.exits import GeneratorFailed
from bench.load.plan import Post, Target
from bench.peers.asking import request_for
from bench.peers.peer import Peer
from bench.runfolder import replace
from bench.stacks.guarded import Guarded, environment
from bench.stacks.running import ending

START_ALLOWANCE_S = 30.0


@dataclass(frozen=True)
class Slice:
    """What one slice showed: right answers per second, milliseconds of each answer (a failure's are infinite)."""

    clients: int
    rate_per_s: float
    latency_ms: Sequence[float]
    failures: Mapping[str, int]
    cpu_share: float  # of one core, by the clients

    def record(self) -> dict[str, object]:
        """Return this for run.json; the latencies would be most of the file."""
        shown = {"clients": self.clients, "rate_per_s": self.rate_per_s, "n": len(self.latency_ms)}
        return {**shown, "failures": dict(self.failures), "cpu_share": self.cpu_share}


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


@dataclass(frozen=True)
class ClosedLoop:
    """All that the slices of one running peer have in common; `orders` is the file with it."""

    orders: Path
    log: Path
    cores: tuple[int, ...]
    settle_s: float
    patience_s: float

    def prepare(self, url: str, peer: str, asked: Sequence[Target]) -> None:
        """Write down whom to ask for what."""
        facts = {"url": url, "peer": peer, "targets": asked, "settle_s": self.settle_s, "patience_s": self.patience_s}
        self.orders.parent.mkdir(parents=True, exist_ok=True)
        replace(self.orders, json.dumps(facts))

    def run(self, *slices: tuple[int, float]) -> list[Slice]:
        """Measure slices of so many clients for so many seconds, one after the other. Raises GeneratorFailed."""
        answers = self.orders.with_suffix(".jsonl")
        answers.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "bench.peers.closed", str(self.orders)]
        argv += [f"{clients}:{seconds:g}" for clients, seconds in slices]
        most_s = sum(seconds + self.settle_s + self.patience_s for _, seconds in slices) + START_ALLOWANCE_S
        with Guarded("clients", argv, env=environment(), log=self.log, cores=self.cores, output=answers) as clients:
            code = clients.wait(most_s)
        if code != 0:
            what = "did not finish in time" if code is None else f"failed ({ending(code)})"
            raise GeneratorFailed(f"the clients {what}; their last log lines, from {self.log}:\n{clients.tail()}")
        return [Slice(**json.loads(line)) for line in answers.read_text(encoding="utf-8").splitlines()]
