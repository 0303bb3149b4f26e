"""Many clients of the inference server at once, in tests: in a closed loop, or at a rate that does not care."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle
from time import monotonic
from typing import Self

from tests.inference import Answer, Client
from tests.processes import wait_for

PAUSE_S = 0.02  # after a refusal, and where nobody listens: whoever asks again at once only takes the processor


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a crowd: when it was sent, how long it took, and its answer or why there is none."""

    sent: float
    seconds: float
    request: bytes
    outcome: Answer | OSError

    @property
    def status(self) -> int:
        """0: no answer."""
        return self.outcome.status if isinstance(self.outcome, Answer) else 0


class Crowd:
    """Clients that ask one request after the other until the block is left; `asked` has a list for each."""

    def __init__(self, port: int, requests: Sequence[bytes], *, kept: int = 4, fresh: int = 0) -> None:
        """`kept` clients keep their connection, `fresh` ones open another for every request."""
        self._port, self._leave = port, threading.Event()
        self.asked: list[list[Asked]] = [[] for _ in range(kept + fresh)]
        self._threads = []
        for number, asked in enumerate(self.asked):
            turn = number * len(requests) // len(self.asked)  # so that not all send the same at once
            arguments = (asked, [*requests[turn:], *requests[:turn]], number < kept)
            self._threads.append(threading.Thread(target=self._ask, args=arguments))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
        for thread in self._threads:
            thread.join()

    @property
    def all(self) -> list[Asked]:
        return [one for asked in self.asked for one in asked]

    @property
    def failed(self) -> list[Asked]:
        return [one for one in self.all if one.status != 200]

    def leave(self) -> None:
        """Send nothing more."""
        self._leave.set()

    def wait_for(self, more: int, where: Callable[[Asked], bool] = lambda one: one.status == 200) -> None:
        """Wait until so many more requests ended like this."""
        wanted = sum(map(where, self.all)) + more
        wait_for(lambda: _at_least(sum(map(where, self.all)), wanted))

    def _ask(self, asked: list[Asked], requests: list[bytes], keep: bool) -> None:  # noqa: FBT001
        with closing(Client(self._port)) as client:
            for request in cycle(requests):
                if self._leave.is_set():
                    return
                asked.append(ask(client, request))
                if not (keep and asked[-1].status):
                    client.close()
                if asked[-1].status != 200:
                    self._leave.wait(PAUSE_S)


def ask(client: Client, request: bytes) -> Asked:
    """Ask, and note what came of it."""
    sent = monotonic()
    try:
        outcome: Answer | OSError = client.ask(request)
    except OSError as error:
        outcome = error
    return Asked(sent, monotonic() - sent, request, outcome)


def _at_least(count: int, wanted: int) -> None:
    assert count >= wanted


def at_rate(port: int, request: bytes, *, rate: float, seconds: float, clients: int) -> list[Asked]:
    """Ask that often for that long, whatever comes back: an open loop, as long as a client is free at each moment."""
    asked: list[Asked] = []
    start, due = monotonic(), _Turns(int(rate * seconds))

    def work() -> None:
        with closing(Client(port)) as client:
            for turn in due:
                threading.Event().wait(max(0.0, start + turn / rate - monotonic()))
                asked.append(ask(client, request))

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return asked


class _Turns:
    """Numbers from 0, each handed out once, to whichever thread asks next."""

    def __init__(self, count: int) -> None:
        self._numbers, self._lock = iter(range(count)), threading.Lock()

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        with self._lock:
            return next(self._numbers)
