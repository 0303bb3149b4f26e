"""The server with known answers: one queue, first in first out, a fixed service time, and stalls at known times.

    python -m bench.load.known_server --service-ms 2 --stall-s 2 --every-s 20

The load generator is tried on it, so it must be simple enough to be predicted (bench/load/oracle.py does so) and
fast enough to be no part of what is measured. As soon as a request has been read, the time of its answer is fixed:
behind all others, moved out of a stall, plus the service time. Until then the server sleeps. It prints one line of
JSON: its port, its start on the monotonic clock, and when it stalls, in seconds from its start.
"""

import argparse
import json
import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from bench.load.pacer import SECOND_NS, TimerFd, has_timerfd

HOST = "127.0.0.1"
BODY = b'{"id": "1"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
READY, END = b"GET /readyz ", b"\r\n\r\n"
SPIN_NS = 300_000  # a virtual core takes that long to wake up, so the last moment is waited for actively
BACKLOG = 1024  # during a stall every new request opens a connection


@dataclass(frozen=True)
class Discipline:
    """When answers go out. Times in ns of the monotonic clock; `every_ns` 0 means that there are no stalls."""

    service_ns: int = 0
    stall_ns: int = 0
    every_ns: int = 0
    first_ns: int = 0

    def answered(self, arrived_ns: int, free_ns: int) -> int:
        """Return when a request is answered that arrived then, if the one before it is answered at `free_ns`."""
        start = max(arrived_ns, free_ns)
        if self.every_ns and start >= self.first_ns:
            into = (start - self.first_ns) % self.every_ns
            start += max(0, self.stall_ns - into)
        return start + self.service_ns


class Server:
    """One thread that accepts, reads, and answers when it is time."""

    def __init__(self, listener: socket.socket, discipline: Discipline) -> None:
        self.discipline = discipline
        self.selector = selectors.DefaultSelector()
        self.waiting: deque[tuple[int, socket.socket]] = deque()
        self.free_ns = 0
        listener.settimeout(0)
        self.selector.register(listener, selectors.EVENT_READ, partial(self.accept, listener))
        # epoll rounds a timeout up to the next millisecond; kqueue, on macOS, does not.
        self.timer = TimerFd() if has_timerfd() else None
        if self.timer is not None:
            self.selector.register(self.timer, selectors.EVENT_READ, self.timer.clear)

    def serve(self) -> None:
        """Serve until the process is ended."""
        while True:
            for key, _ in self.selector.select(self.time_left()):
                key.data()
            self.answer_due()

    def time_left(self) -> float | None:
        """Return how long to sleep at most; where there is a timer, arm that instead."""
        if not self.waiting:
            return None
        due = self.waiting[0][0] - SPIN_NS
        if self.timer is None:
            return max(0, due - time.monotonic_ns()) / SECOND_NS
        self.timer.arm(due)
        return None

    def accept(self, listener: socket.socket) -> None:
        """Take a new connection."""
        with suppress(OSError):  # its client has given up already
            connection, _ = listener.accept()
            connection.settimeout(0)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.selector.register(connection, selectors.EVENT_READ, partial(self.read, connection, bytearray()))

    def read(self, connection: socket.socket, received: bytearray) -> None:
        """Read what there is; put the request in the queue once its head is complete (it has no body)."""
        try:
            chunk = connection.recv(65536)
        except OSError:
            chunk = b""
        received += chunk
        if not chunk:
            self.selector.unregister(connection)
            connection.close()  # a request of this connection that waits is still served: the queue is what it is
        elif received.endswith(END):
            if received.startswith(READY):
                send(connection)
            else:
                self.free_ns = self.discipline.answered(time.monotonic_ns(), self.free_ns)
                self.waiting.append((self.free_ns, connection))
            received.clear()

    def answer_due(self) -> None:
        """Answer everything whose time has come, or is about to."""
        while self.waiting and self.waiting[0][0] - SPIN_NS <= time.monotonic_ns():
            due, connection = self.waiting.popleft()
            while time.monotonic_ns() < due:
                pass
            send(connection)


def send(connection: socket.socket) -> None:
    """Answer; the client may have closed the connection."""
    with suppress(OSError):
        connection.send(ANSWER)


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.load.known_server")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--service-ms", type=float, default=0.0)
    parser.add_argument("--stall-s", type=float, default=0.0, help="serve nobody for so long ...")
    parser.add_argument("--every-s", type=float, default=0.0, help="... once in so many seconds")
    parser.add_argument("--first-stall-s", type=float, help="when, from the start; default: at the end of a period")
    options = parser.parse_args(argv)
    if options.every_s and options.stall_s >= options.every_s:
        parser.error("a stall must be shorter than the time from one to the next")
    if options.first_stall_s is None:
        options.first_stall_s = options.every_s - options.stall_s
    return options


def main(argv: Sequence[str] | None = None) -> None:
    """Open the port, say when the stalls are, serve."""
    options = arguments(argv)
    with socket.create_server((HOST, options.port), backlog=BACKLOG) as listener:
        zero_ns = time.monotonic_ns()
        stalls = {"first_s": options.first_stall_s, "length_s": options.stall_s, "every_s": options.every_s}
        facts = {"port": listener.getsockname()[1], "zero_ns": zero_ns, "stalls": stalls if options.every_s else None}
        print(json.dumps(facts), flush=True)  # noqa: T201 - read by whoever started this
        seconds = (options.service_ms / 1000, options.stall_s, options.every_s, options.first_stall_s)
        service, stall, every, first = (round(each * SECOND_NS) for each in seconds)
        Server(listener, Discipline(service, stall, every, zero_ns + first)).serve()


if __name__ == "__main__":
    main()
