"""One connection of the worker, and what gunicorn takes for its socket."""

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from gunicorn.workers.gthread import TConn

from webapp.front.arrival import Arrival

PIECE = 256 * 1024
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Buffered:
    """What gunicorn takes for the socket: reading gives what has arrived and then the end, writing never waits."""

    def __init__(self, real: socket.socket) -> None:
        self.real = real
        self._arrived = BytesIO()
        self._unsent = bytearray()

    def arrive(self, received: bytes) -> None:
        """Have a whole request ready to be read."""
        self._arrived = BytesIO(received)

    def recv(self, size: int) -> bytes:
        """Read."""
        return self._arrived.read(size)

    def send(self, data: bytes) -> int:
        """Write; gunicorn writes in this way only that the client may continue, which it has been told already."""
        if data != CONTINUE:
            self.sendall(data)
        return len(data)

    def sendall(self, data: bytes) -> None:
        """Write as much as the kernel takes, and keep the rest. Raises OSError where the client is gone."""
        sent = 0
        if not self._unsent:
            with suppress(BlockingIOError):
                sent = self.real.send(data)
        if sent < len(data):
            self._unsent += data[sent:]

    @property
    def unsent(self) -> int:
        """Bytes that are kept."""
        return len(self._unsent)

    def flush(self) -> bool:
        """Send more of what was kept; tell whether that was all. Raises OSError where the client is gone."""
        with suppress(BlockingIOError):
            while self._unsent:
                del self._unsent[: self.real.send(self._unsent[:PIECE])]
        return not self._unsent

    def shutdown(self, _how: int) -> None:
        """Leave it to the poller, which still has to send what is kept."""

    def close(self) -> None:
        """Leave it to the poller."""

    def settimeout(self, _seconds: float | None) -> None:
        """Wait for nobody, whatever is asked."""

    def setblocking(self, _flag: bool) -> None:  # noqa: FBT001  (a socket's own)
        """Wait for nobody, whatever is asked."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (whatever else a socket has)
        return getattr(self.real, name)


class Visitor(TConn):  # type: ignore[misc]
    """One connection."""

    def __init__(self, cfg: Any, client: socket.socket, address: Any, server: Any) -> None:  # noqa: ANN401
        super().__init__(cfg, client, address, server)
        self.sock = Buffered(client)
        self.data_ready = True  # whenever a thread gets it
        self.arrival = Arrival()
        self.held = 0  # bytes that are kept for it: of a request, or of an answer
        self.went_on = 0.0  # when the last bytes to speak of came
        self.unwanted = 0  # bytes that came after the last answer
        self.again = False  # whether another request may follow this one
        self.wait: Wait | None = None
        self.by = 0.0
        self.gone = False

    def close(self, graceful: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  (gunicorn's)
        """Close the connection; harmless when repeated."""
        self.gone = True
        with suppress(OSError):
            self.sock.real.close()


@dataclass(frozen=True, eq=False)
class Wait:
    """Something that the poller waits for: an event, for how long, and what happens at last or when it is too late.

    Its visitors are in the order of their deadlines, since it takes the same time for all of them.
    """

    event: int
    seconds: float
    then: Callable[[Visitor], None]
    late: Callable[[Visitor], None]
    visitors: dict[Visitor, None] = field(default_factory=dict)
