"""A question over HTTP with one end to all waiting: a socket's own timeout begins anew with each byte that drips in."""

import contextlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Reply:
    """What came back, of its body no more than was asked for; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class Connection(http.client.HTTPConnection):
    """Still knows its socket while an answer is read after which the server closes."""

    opened: socket.socket | None = None

    def connect(self) -> None:
        """Connect, also again."""
        super().connect()
        self.opened = self.sock


def get(host: str, port: int, path: str, *, seconds: float, most: int = 0) -> Reply:
    """GET a path: the answer with the first `most` bytes of its body, within so many seconds.

    Raises OSError (TimeoutError where it took too long), ValueError or HTTPException where no whole answer came.
    """
    connection = Connection(host, port, timeout=seconds)
    with contextlib.closing(connection), ended_after(seconds, lambda: connection.opened):
        connection.request("GET", path)
        answer = connection.getresponse()
        data = answer.read(most)
        if answer.length and len(data) < most:  # what was announced and did not come
            raise http.client.IncompleteRead(data, answer.length)
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, data)


@contextlib.contextmanager
def ended_after(seconds: float, of: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Bound everything inside that waits for the socket. Raises TimeoutError."""
    late = threading.Event()

    def end() -> None:
        late.set()
        if sock := of():
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        yield
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise TimeoutError if late.is_set() else error from error
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError
