"""The closed loop: so many clients, each sends its next request when it has the answer to its last. Runs on gevent.

    python -m bench.peers.closed ORDERS.json

Each line of stdin is a slice, `8:0.5`: clients, and for how many seconds; a list of exchanges in JSON answers it. A
process of its own, because gevent changes how a process waits. It stays from slice to slice, and so do its connections.
Nothing is parsed while it could delay a request.
"""

import itertools
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from pathlib import Path

import gevent

from bench.load.client import Answer, Wire, outcome_of
from bench.load.dispatcher import no_collections, request_of
from bench.load.plan import Judge, Target
from bench.peers import asking
from bench.peers.slices import Exchange, Orders

REST_S = 0.01  # after a failure: whoever refuses connections is not asked a thousand times a second


@dataclass
class Ended:
    """One request, from when a client began to when it ended, in monotonic ns: by an answer, or with an outcome."""

    client: int
    began_ns: int
    photo: int
    done_ns: int = 0
    answer: Answer | None = None
    outcome: str = "timeout"


@dataclass
class Clients:
    """The clients of a running peer, client k on wire k in every slice. They take the photos in turn.

    A slice goes on where the last one stopped, as the bare loop does: a short one does not get through all photos.
    """

    url: str
    requests: list[bytes]
    wires: list[Wire] = field(default_factory=list)
    photos: Iterator[int] = field(default_factory=itertools.count)
    ended: list[Ended] = field(default_factory=list)  # in this slice, in the order of sending

    def run(self, clients: int, until_ns: int, patience_s: float) -> list[Ended]:
        """Let so many of them send until a time, and wait for the last answers, but not for ever."""
        self.wires += [Wire(self.url) for _ in range(clients - len(self.wires))]
        self.ended = []
        crowd = [gevent.spawn(self.ask, client, self.wires[client], until_ns) for client in range(clients)]
        gevent.joinall(crowd, timeout=(until_ns - time.monotonic_ns()) / 1e9 + patience_s)
        gevent.killall(crowd)  # the wire closes a connection whose exchange ends so: the late answer is nobody's
        for each in self.ended:
            each.done_ns = each.done_ns or until_ns  # who is given up has failed within the slice
        return self.ended

    def ask(self, client: int, wire: Wire, until_ns: int) -> None:
        """Be one client."""
        while (began := time.monotonic_ns()) < until_ns:
            this = Ended(client, began, next(self.photos) % len(self.requests))
            self.ended.append(this)
            try:
                this.answer = wire.exchange(self.requests[this.photo])
            except Exception as error:  # noqa: BLE001 - every failure of the exchange is an outcome
                this.done_ns, this.outcome = time.monotonic_ns(), outcome_of(error)
                gevent.sleep(REST_S)
            else:
                this.done_ns = this.answer.done_ns


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


def run_slice(orders: Orders, crowd: Clients, judge: Judge, clients: int, seconds: float) -> list[Exchange]:
    """Let clients ask for so long; judge the answers when nobody waits any more."""
    with no_collections(), awake():
        zero = time.monotonic_ns() + round(orders.settle_s * 1e9)
        ended = crowd.run(clients, zero + round(seconds * 1e9), orders.patience_s)
    return [judged(each, orders.targets[each.photo], judge, zero) for each in ended]


def judged(each: Ended, target: Target, judge: Judge, zero: int) -> Exchange:
    """Return an exchange with its outcome, on the clock of its slice."""
    status, outcome = 0, each.outcome
    if each.answer is not None:
        status, outcome = each.answer.status, judge("", each.answer, target).outcome
    return Exchange(each.client, each.began_ns - zero, each.done_ns - zero, target["id"], status, outcome)


def main(path: str) -> None:
    """Measure slices as they are asked for. Reading blocks, so between two of them this takes no processor."""
    orders = Orders(**json.loads(Path(path).read_text(encoding="utf-8")))
    wire, judge = Wire(orders.url), asking.judge(orders.peer)
    crowd = Clients(orders.url, [request_of(wire, "", target) for target in orders.targets], [wire])
    for line in sys.stdin:
        clients, seconds = line.split(":")
        found = run_slice(orders, crowd, judge, int(clients), float(seconds))
        print(json.dumps([astuple(each) for each in found]), flush=True)  # noqa: T201 - read by the parent


if __name__ == "__main__":
    main(sys.argv[1])
