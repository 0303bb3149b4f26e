"""The closed loop: so many clients, each sends its next request when it has the answer to its last. Runs on gevent.

    python -m bench.peers.closed ORDERS.json 1:1.0 8:1.0

Each argument is a slice: clients, and for how many seconds. A process of its own, because gevent changes how a process
waits. Prints a JSON object for every slice. Nothing is parsed while it could delay a request.
"""

import itertools
import json
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
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
    """All clients of a slice; they take the photos in turn, as the bare loop does."""

    wires: list[Wire]
    requests: list[bytes]
    exchanges: list[Exchange] = field(default_factory=list)
    turn: Iterator[int] = field(default_factory=itertools.count)

    def run(self, until_ns: int, patience_s: float) -> None:
        """Let all of them send until a time, and wait for the last answers, but not for ever."""
        crowd = [gevent.spawn(self.ask, number, wire, until_ns) for number, wire in enumerate(self.wires)]
        left_s = (until_ns - time.monotonic_ns()) / 1e9 + patience_s
        gevent.joinall(crowd, timeout=left_s)
        for number, client in enumerate(crowd):
            if not client.ready():
                self.exchanges.append(Exchange(number, until_ns, until_ns, 0, 0, b"", "timeout"))
        gevent.killall(crowd)
        for wire in self.wires:
            wire.close()

    def ask(self, client: int, wire: Wire, until_ns: int) -> None:
        """Be one client."""
        while (began := time.monotonic_ns()) < until_ns:
            photo = next(self.turn) % len(self.requests)
            try:
                answer = wire.exchange(self.requests[photo])
            except Exception as error:  # noqa: BLE001 - every failure of the exchange is an outcome
                gone = Exchange(client, began, time.monotonic_ns(), photo, 0, b"", outcome_of(error))
                self.exchanges.append(gone)
                gevent.sleep(REST_S)
            else:
                self.exchanges.append(Exchange(client, began, answer.done_ns, photo, answer.status, answer.body))


def measured(clients: int, counted: list[tuple[Exchange, str]], window_s: float, cpu_share: float) -> Slice:
    """Return the slice from the exchanges that ended within it, with their outcomes.

    The rate is the sum over clients, each from its first answer to its last: answers that come in batches would make
    the number within a window a matter of luck.
    """
    rate = 0.0
    for client in range(clients):
        ends = [each.done_ns for each, _ in counted if each.client == client]
        spent_s = (max(ends) - min(ends)) / 1e9 if ends else 0.0
        rate += (len(ends) - 1) / spent_s if spent_s else len(ends) / window_s
    outcomes = [outcome for _, outcome in counted]
    right = outcomes.count("ok") / max(1, len(outcomes))
    times = [(each.done_ns - each.began_ns) / MS if outcome == "ok" else float("inf") for each, outcome in counted]
    failures = {outcome: outcomes.count(outcome) for outcome in sorted({*outcomes} - {"ok"})}
    return Slice(clients, rate * right, times, failures, cpu_share)


def run_slice(orders: dict[str, Any], judge: Callable[[Exchange], Verdict], clients: int, seconds: float) -> Slice:
    """Measure one slice; its first `settle_s` do not count."""
    wires = [Wire(orders["url"]) for _ in range(clients)]
    requests = [
        wires[0].encode_post(target["path"], target["post"]["headers"], b64decode(target["post"]["body"]))
        for target in orders["targets"]
    ]
    crowd = Clients(wires, requests)
    with no_collections():
        cpu, start = time.process_time(), time.monotonic_ns()
        since, until = (start + round(s * 1e9) for s in (orders["settle_s"], orders["settle_s"] + seconds))
        crowd.run(until, orders["patience_s"])
        share = (time.process_time() - cpu) / (time.monotonic_ns() - start) * 1e9
    counted = [each for each in crowd.exchanges if since <= each.done_ns <= until]
    return measured(clients, [(each, each.outcome or judge(each).outcome) for each in counted], seconds, share)


def judge_by(orders: dict[str, Any]) -> Callable[[Exchange], Verdict]:
    """Return what judges an answer."""
    (of,) = peer.find([orders["peer"]])
    read = partial(asking.first_label, of, {})
    labels = [target["labels"] for target in orders["targets"]]
    return lambda each: judge_label(each.status, each.body, labels[each.photo], read)


def main(argv: list[str]) -> None:
    """Measure the slices in their order."""
    orders = json.loads(Path(argv[0]).read_text(encoding="utf-8"))
    judge = judge_by(orders)
    for argument in argv[1:]:
        clients, seconds = argument.split(":")
        found = run_slice(orders, judge, int(clients), float(seconds))
        print(json.dumps(asdict(found)), flush=True)  # noqa: T201 - read by the parent; infinity is `Infinity`


if __name__ == "__main__":
    main(sys.argv[1:])
