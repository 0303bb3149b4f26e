"""The closed loop: so many clients, each sends its next request when it has the answer to its last. Runs on gevent.

    python -m bench.peers.closed ORDERS.json

Each line of stdin is a slice, `8:0.5`: clients, and for how many seconds; a JSON object in a line answers it. A process
of its own, because gevent changes how a process waits. It stays from slice to slice, and so do its connections. Nothing
is parsed while it could delay a request.
"""

import itertools
import json
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import gevent

from bench.load.answers import Verdict, judge_label
from bench.load.client import Wire, outcome_of
from bench.load.dispatcher import no_collections
from bench.peers import asking, peer
from bench.peers.slices import Slice

REST_S = 0.01  # after a failure: whoever refuses connections is not asked a thousand times a second
MS = 1e6


@dataclass(frozen=True)
class Exchange:
    """One request as it ended. Monotonic ns; `status` is 0 where there was no whole answer."""

    client: int
    began_ns: int
    done_ns: int
    photo: int
    status: int
    body: bytes
    outcome: str = ""


@dataclass
class Clients:
    """The clients of a running peer, client k on wire k in every slice. They take the photos in turn.

    A slice goes on where the last one stopped, as the bare loop does: a short one does not get through all photos.
    """

    url: str
    requests: list[bytes]
    wires: list[Wire] = field(default_factory=list)
    photos: Iterator[int] = field(default_factory=itertools.count)
    exchanges: list[Exchange] = field(default_factory=list)  # of this slice

    def run(self, clients: int, until_ns: int, patience_s: float) -> list[Exchange]:
        """Let so many of them send until a time, and wait for the last answers, but not for ever."""
        self.wires += [Wire(self.url) for _ in range(clients - len(self.wires))]
        self.exchanges = []
        crowd = [gevent.spawn(self.ask, client, self.wires[client], until_ns) for client in range(clients)]
        left_s = (until_ns - time.monotonic_ns()) / 1e9 + patience_s
        gevent.joinall(crowd, timeout=left_s)
        for number, client in enumerate(crowd):
            if not client.ready():
                self.exchanges.append(Exchange(number, until_ns, until_ns, 0, 0, b"", "timeout"))
        gevent.killall(crowd)  # the wire closes a connection whose exchange ends so: the late answer is nobody's
        return self.exchanges

    def ask(self, client: int, wire: Wire, until_ns: int) -> None:
        """Be one client."""
        while (began := time.monotonic_ns()) < until_ns:
            photo = next(self.photos) % len(self.requests)
            try:
                answer = wire.exchange(self.requests[photo])
            except Exception as error:  # noqa: BLE001 - every failure of the exchange is an outcome
                gone = Exchange(client, began, time.monotonic_ns(), photo, 0, b"", outcome_of(error))
                self.exchanges.append(gone)
                gevent.sleep(REST_S)
            else:
                self.exchanges.append(Exchange(client, began, answer.done_ns, photo, answer.status, answer.body))


@contextmanager
def awake() -> Iterator[None]:
    """Keep gevent polling: it does not sleep in here, even if all clients wait for an answer.

    With one client both cores would sleep between requests, and waking the client's one, a tenth of a millisecond and
    more on a virtual machine, would count as the server's time. An idle watcher has the loop look at its sockets again
    and again. A greenlet that does gevent.sleep(0) would keep it awake, too, but from looking: it runs for as long as
    the interpreter's switch interval, 5 ms, before the loop gets to its sockets.
    """
    watcher = gevent.get_hub().loop.idle()
    watcher.start(lambda: None)
    try:
        yield
    finally:
        watcher.close()


def turnaround_ms(exchanges: Sequence[Exchange]) -> float | None:
    """Return what a client takes from an answer to its next request: the median, None where nobody asked twice.

    That is what the clients themselves cost. Only between whole answers, since after a failure they rest.
    """
    by_client: dict[int, list[Exchange]] = {}
    for each in exchanges:
        by_client.setdefault(each.client, []).append(each)
    pairs = [pair for own in by_client.values() for pair in pairwise(own)]
    took = [(after.began_ns - before.done_ns) / MS for before, after in pairs if before.status and after.status]
    return median(took) if took else None


def rate_per_s(own: Sequence[Exchange], until_ns: int) -> float:
    """Return a client's answers per second, from its first to its last.

    A slice can be too short for two. A single one stands for the longer of its own time and what was left after it.
    """
    if len(own) > 1:
        return (len(own) - 1) / max(1, own[-1].done_ns - own[0].done_ns) * 1e9
    return sum(1e9 / max(1, each.done_ns - each.began_ns, until_ns - each.done_ns) for each in own)


def measured(clients: int, counted: list[tuple[Exchange, str]], until_ns: int) -> Slice:
    """Return the slice from the exchanges that ended within it, with their outcomes.

    The rate is the sum over clients, each from its first answer to its last: answers that come in batches would make
    the number within a window a matter of luck.
    """
    rate = sum(
        rate_per_s([each for each, _ in counted if each.client == client], until_ns) for client in range(clients)
    )
    outcomes = [outcome for _, outcome in counted]
    right = outcomes.count("ok") / max(1, len(outcomes))
    times = [(each.done_ns - each.began_ns) / MS if outcome == "ok" else float("inf") for each, outcome in counted]
    failures = {outcome: outcomes.count(outcome) for outcome in sorted({*outcomes} - {"ok"})}
    return Slice(clients, rate * right, times, failures, turnaround_ms([each for each, _ in counted]))


def run_slice(
    orders: dict[str, Any], crowd: Clients, judge: Callable[[Exchange], Verdict], clients: int, seconds: float
) -> Slice:
    """Measure one slice; its first `settle_s` do not count."""
    with no_collections(), awake():
        start = time.monotonic_ns()
        since, until = (start + round(s * 1e9) for s in (orders["settle_s"], orders["settle_s"] + seconds))
        exchanges = crowd.run(clients, until, orders["patience_s"])
    counted = [each for each in exchanges if since <= each.done_ns <= until]
    return measured(clients, [(each, each.outcome or judge(each).outcome) for each in counted], until)


def clients_of(orders: dict[str, Any]) -> Clients:
    """Return the clients, with all requests ready to send."""
    wire = Wire(orders["url"])
    requests = [
        wire.encode_post(target["path"], target["post"]["headers"], b64decode(target["post"]["body"]))
        for target in orders["targets"]
    ]
    return Clients(orders["url"], requests, [wire])


def judge_by(orders: dict[str, Any]) -> Callable[[Exchange], Verdict]:
    """Return what judges an answer."""
    (of,) = peer.find([orders["peer"]])
    read = partial(asking.first_label, of, {})
    labels = [target["labels"] for target in orders["targets"]]
    return lambda each: judge_label(each.status, each.body, labels[each.photo], read)


def main(argv: list[str]) -> None:
    """Measure slices as they are asked for. Reading blocks, so between two of them this takes no processor."""
    orders = json.loads(Path(argv[0]).read_text(encoding="utf-8"))
    crowd, judge = clients_of(orders), judge_by(orders)
    for line in sys.stdin:
        clients, seconds = line.split(":")
        found = run_slice(orders, crowd, judge, int(clients), float(seconds))
        print(json.dumps(asdict(found)), flush=True)  # noqa: T201 - read by the parent; infinity is `Infinity`


if __name__ == "__main__":
    main(sys.argv[1:])
