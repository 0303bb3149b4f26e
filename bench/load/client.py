"""The HTTP client of the load generator: one attempt for each request, and its times. Only the locust process uses it.

Locust's own FastHttpUser is not used for sending: its client sends a request again when a connection breaks before the
first byte (geventhttpclient/client.py, HTTPClient.request), which would hide crashes of the system under test and
repeat the very request that caused them; and what it does around each request would count as the server's time.
Answers are parsed by httptools, the parser of uvicorn; sockets are waited for with gevent's own watchers.
"""

import errno
import os
import select
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import gevent
import httptools
from gevent.monkey import get_original

from bench.load.address import Address, origin_of

READ, WRITE = 1, 2
PIECE = 65536
TRY_S = 3.0  # for a connection to one of several addresses
_poll = get_original("select", "poll")  # select() knows no descriptor beyond 1023
_Socket = get_original("socket", "socket")


class BrokenError(OSError):
    """The connection ended before the answer did, or what came is not HTTP."""


@dataclass(frozen=True)
class Answer:
    """A whole answer; `done_ns` is the monotonic time at which its last byte had been read."""

    done_ns: int
    status: int
    server_timing: bytes
    body: bytes


class _Reply:
    """Collects one answer from the parser's callbacks."""

    def __init__(self) -> None:
        self.body = b""
        self.server_timing = b""
        self.ends_with_connection = True  # until a header says where the body ends
        self.complete = self.reusable = False
        self.parser = httptools.HttpResponseParser(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"server-timing":
            self.server_timing += b"," + value if self.server_timing else value
        elif name in {b"content-length", b"transfer-encoding"}:
            self.ends_with_connection = False

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True
        self.reusable = self.parser.should_keep_alive()  # only known here; afterwards the parser has moved on


class Connection:
    """One kept-alive connection. Waits are gevent's, so others run meanwhile; reads and writes are the kernel's."""

    def __init__(self, family: int, address: Address) -> None:
        self._hub = gevent.get_hub()
        self._socket = _Socket(family, socket.SOCK_STREAM)
        self._socket.settimeout(0.0)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._readable = self._hub.loop.io(self._socket.fileno(), READ)
        self._closed = _poll()
        self._closed.register(self._socket, select.POLLIN)
        try:
            self._connect(address)
        except BaseException:  # also the deadline of the request that this is for
            self.close()
            raise

    def _connect(self, address: Address) -> None:
        failed = self._socket.connect_ex(address)
        if failed == errno.EINPROGRESS:
            self._await_room()
            failed = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed:
            raise OSError(failed, os.strerror(failed))

    def _await_room(self) -> None:
        self._hub.wait(self._hub.loop.io(self._socket.fileno(), WRITE))

    def exchange(self, request: bytes) -> tuple[_Reply, int]:
        """Send and read one whole answer; return it and the time of its end."""
        sent = self._socket.send(request)
        while sent < len(request):  # the kernel's buffer is full: never seen for a GET
            self._await_room()
            sent += self._socket.send(request[sent:])
        reply = _Reply()
        while not reply.complete:
            self._hub.wait(self._readable)
            piece = self._socket.recv(PIECE)
            if not piece:
                if reply.parser.get_status_code() and reply.ends_with_connection:
                    break
                raise BrokenError("the connection ended before the answer did")
            try:
                reply.parser.feed_data(piece)
            except httptools.HttpParserError as error:
                raise BrokenError(str(error)) from error
        return reply, time.monotonic_ns()

    def idle(self) -> bool:
        """Whether it can be used again: readable without a request means that the server has closed it."""
        return not self._closed.poll(0)

    def close(self) -> None:
        """End it."""
        self._readable.close()
        self._socket.close()


class Wire:
    """Kept-alive connections to one host, the warmest first; opens one whenever none is idle, so nobody ever queues."""

    def __init__(self, url: str) -> None:
        origin = origin_of(url)
        self.host, self.path = origin.host, origin.path
        # Looked up once: gevent does it in a thread, and with a thread comes waiting for the interpreter lock.
        self._family, self._address = answering(origin.addresses())
        self.opened = 0  # a new connection costs time within a request, so the run reports how many there were
        self.sent = 0
        self._idle: list[Connection] = []

    def encode(self, path: str) -> bytes:
        """Return a GET request, ready to send. Compressing would load the server with work that nobody compares."""
        return f"GET {self.path}{path} HTTP/1.1\r\nHost: {self.host}\r\nAccept-Encoding: identity\r\n\r\n".encode(
            "ascii"
        )

    def encode_post(self, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """Return a POST request, ready to send."""
        own = {"Host": self.host, "Accept-Encoding": "identity", "Content-Length": str(len(body)), **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in own.items())
        return f"POST {self.path}{path} HTTP/1.1\r\n{lines}\r\n".encode("ascii") + body

    def exchange(self, request: bytes) -> Answer:
        """Send once and read the whole answer. A broken connection is an error, never a second try."""
        connection = self._connection()
        try:
            self.sent += 1
            reply, done_ns = connection.exchange(request)
        except BaseException:  # also the deadline: what still comes over this connection belongs to nobody
            connection.close()
            raise
        if reply.reusable:
            self._idle.append(connection)
        else:
            connection.close()
        return Answer(done_ns, reply.parser.get_status_code(), reply.server_timing, reply.body)

    def _connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.idle():
                return connection
            connection.close()
        self.opened += 1
        return Connection(self._family, self._address)

    def close(self) -> None:
        """End all connections."""
        while self._idle:
            self._idle.pop().close()


def answering(addresses: Sequence[tuple[int, Address]]) -> tuple[int, Address]:
    """Return the first address that takes a connection; if none does, the first: then its requests will tell."""
    for family, address in addresses if len(addresses) > 1 else ():  # without a choice, the server is left alone
        with suppress(OSError), gevent.Timeout(TRY_S, exception=False):
            Connection(family, address).close()
            return family, address
    return addresses[0]


def outcome_of(error: BaseException) -> str:
    """Name what became of a request without a full answer: `timeout`, `reset` (the connection failed) or `error`."""
    if isinstance(error, gevent.Timeout | TimeoutError):
        return "timeout"
    return "reset" if isinstance(error, OSError) else "error"
