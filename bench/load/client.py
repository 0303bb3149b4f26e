"""The HTTP client of the load generator: one attempt for each request, and its times. Only the locust process uses it.

Locust's own FastHttpUser is not used for sending: its client sends a request again when a connection breaks before the
first byte (geventhttpclient/client.py, HTTPClient.request), which would hide crashes of the system under test and
repeat the very request that caused them; and what it does around each request would count as the server's time.
"""

import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import gevent
from gevent.monkey import get_original
from gevent.socket import create_connection
from gevent.socket import socket as Socket  # noqa: N812 - a class under a lower-case name
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError, HTTPSocketResponse

_select = get_original("select", "select")


@dataclass(frozen=True)
class Answer:
    """A whole answer; `done_ns` is the monotonic time at which its last byte had been read."""

    done_ns: int
    status: int
    server_timing: str
    body: bytes


class Wire:
    """Kept-alive connections to one host, the warmest first; opens one whenever none is idle, so nobody ever queues."""

    def __init__(self, url: str, connect_timeout_s: float) -> None:
        target = urlsplit(url)
        if target.hostname is None or target.port is None:
            raise ValueError(f"{url} must look like http://127.0.0.1:8000")
        self.address = (target.hostname, target.port)
        self.opened = 0  # a new connection costs time within a request, so the run reports how many there were
        self.sent = 0
        self._timeout_s = connect_timeout_s
        self._idle: list[Socket] = []

    def encode(self, path: str) -> bytes:
        """Return a GET request, ready to send. Compressing would load the server with work that nobody compares."""
        host, port = self.address
        return f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept-Encoding: identity\r\n\r\n".encode("ascii")

    def exchange(self, request: bytes) -> Answer:
        """Send once and read the whole answer. A broken connection is an error, never a second try."""
        connection = self._connection()
        try:
            self.sent += 1
            connection.sendall(request)
            response = HTTPSocketResponse(connection)
            body = response.read()
        except BaseException:  # also the deadline: what still comes over this connection belongs to nobody
            connection.close()
            raise
        done = time.monotonic_ns()
        if response.should_close():
            connection.close()
        else:
            self._idle.append(connection)
        return Answer(done, response.status_code, str(response.get("Server-Timing", "")), bytes(body))

    def _connection(self) -> Socket:
        while self._idle:
            connection = self._idle.pop()
            if not _select([connection], [], [], 0)[0]:
                return connection
            connection.close()  # readable without a request: the server has closed it
        connection = create_connection(self.address, self._timeout_s)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(None)  # the request's own deadline ends it
        self.opened += 1
        return connection


def outcome_of(error: BaseException) -> str:
    """Name what became of a request without a full answer: `timeout`, `reset` (the connection failed) or `error`."""
    if isinstance(error, gevent.Timeout | TimeoutError):
        return "timeout"
    return "reset" if isinstance(error, OSError | HTTPConnectionClosed | HTTPParseError) else "error"
