"""The server with known answers as a real process, and a client of a few lines."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.processes.guarded import ROOT

PHOTO = b"GET /api/photos/1 HTTP/1.1\r\nHost: here\r\n\r\n"
READY = b"GET /readyz HTTP/1.1\r\nHost: here\r\n\r\n"


@dataclass
class Live:
    process: subprocess.Popen[str]
    facts: dict[str, Any]

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.facts["port"]), timeout=10) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield connection


@contextmanager
def live(*argv: str) -> Iterator[Live]:
    command = [sys.executable, "-m", "bench.load.known_server", *argv]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Live(process, json.loads(process.stdout.readline()))
        finally:
            process.terminate()


def answer(connection: socket.socket) -> bytes:
    """One whole answer: the head says how long the body is."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line.split()[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
    while len(body) < length:
        body += connection.recv(65536)
    return head.split(b"\r\n")[0] + b" " + body
