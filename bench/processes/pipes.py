"""Lines from a pipe or a socket, without waiting longer than one is told."""

import os
import select
import socket
import time
from typing import IO

PIECE = 65536


class Lines:
    """Reads a pipe or a socket line by line."""

    def __init__(self, source: IO[bytes] | socket.socket) -> None:
        self._source = source
        self._read = b""

    def next(self, timeout_s: float | None) -> str | None:
        """Return the next line, "" at end of file, None when there was none in time."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while b"\n" not in self._read:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([self._source], [], [], left)[0]:
                return None
            received = os.read(self._source.fileno(), PIECE)
            if not received:
                return ""
            self._read += received
        line, _, self._read = self._read.partition(b"\n")
        return line.decode()
