"""The inference server in tests: a real process, and a client on raw sockets: it hides nothing and retries nothing."""

import json
import signal
import socket
import struct
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from tests.conftest import ROOT
from tests.processes import free_port, wait_for

HEADER_LENGTH = "inference-header-content-length"
DEPTH = "sweetspot_inference_queue_depth"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def version(self) -> str:
        return str(self.document["model_version"])

    @property
    def label(self) -> str:
        """The first label of a binary answer, whose first tensor holds the labels."""
        at = int(self.headers[HEADER_LENGTH])
        (length,) = struct.unpack_from("<I", self.body, at)
        return self.body[at + 4 : at + 4 + length].decode()

    @property
    def error(self) -> str:
        """What an answer that is an error says; it must be the only thing that it says."""
        document = json.loads(self.body)
        assert document.keys() == {"error"}, document
        return str(document["error"])

    @property
    def document(self) -> dict[str, object]:
        """The JSON of an answer, with or without binary data behind it."""
        return dict(json.loads(self.body[: int(self.headers.get(HEADER_LENGTH, len(self.body)))]))


def photo(image: bytes, model: str = "efficientnet-lite", *, deadline_ms: int | None = None) -> bytes:
    """Return an inference request for one photo, without any JSON."""
    headers = {HEADER_LENGTH: "0"} | ({"x-request-timeout-ms": str(deadline_ms)} if deadline_ms else {})
    return post(f"/v2/models/{model}/infer", image, headers)


def photos(images: Sequence[bytes], model: str = "efficientnet-lite", **parameters: int) -> bytes:
    """Return an inference request for several photos, with parameters such as `priority`."""
    data = b"".join(struct.pack("<I", len(image)) + image for image in images)
    tensor = {"name": "image", "datatype": "BYTES", "shape": [len(images)]}
    tensor["parameters"] = {"binary_data_size": len(data)}
    header = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True, **parameters}}).encode()
    return post(f"/v2/models/{model}/infer", header + data, {HEADER_LENGTH: str(len(header))})


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: test", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Client:
    """One connection, kept for as long as the server keeps it. Raises OSError where no answer comes."""

    def __init__(self, port: int, *, seconds: float = 20, connection: socket.socket | None = None) -> None:
        self._port, self._seconds, self._socket = port, seconds, connection
        self._read = b""

    def ask(self, request: bytes) -> Answer:
        self.send(request)
        return self.receive()

    def send(self, request: bytes) -> None:
        if self._socket is None:
            self._socket, self._read = socket.create_connection(("127.0.0.1", self._port), self._seconds), b""
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)

    def receive(self, *, has_body: bool = True) -> Answer:
        """Wait for one answer; one to HEAD has no body."""
        while b"\r\n\r\n" not in self._read:
            self._more()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split(" ", 2)[1])
        if status == 100:  # Continue: the answer is still to come
            return self.receive(has_body=has_body)
        size = int(headers["content-length"]) if has_body else 0
        while len(self._read) < size:
            self._more()
        body, self._read = self._read[:size], self._read[size:]
        if headers.get("connection") == "close":
            self.close()
        return Answer(status, headers, body)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _more(self) -> None:
        assert self._socket is not None
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionResetError("closed without an answer")
        self._read += data


class Server:
    """Context manager: a keeper and what it starts, on a port of its own. All of it ends with the block."""

    def __init__(self, folder: Path, *options: object) -> None:
        self.port, self.log = free_port(), folder / "server.log"
        self._known: set[psutil.Process] = set()
        command = [sys.executable, "-m", "model_as_service.server", "--models", ROOT / "models", *options]
        self._command = [*map(str, command), "--port", str(self.port)]

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self.keeper = subprocess.Popen(self._command, cwd=ROOT, stderr=log)
        try:
            self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        family = self._known | {*self.family}
        if self.keeper.poll() is None:
            self.keeper.send_signal(signal.SIGCONT)
            self.keeper.terminate()
        for process in family:
            process.resume() if process.is_running() else None
        try:
            self.keeper.wait(15)
        finally:
            for process in family:
                if process.is_running():
                    process.kill()

    @property
    def family(self) -> list[psutil.Process]:
        """The keeper and its serving processes that are there now."""
        try:
            keeper = psutil.Process(self.keeper.pid)
            family = [keeper, *keeper.children()]
        except psutil.NoSuchProcess:
            return []
        self._known.update(family)  # where the keeper is gone, nobody else knows its children
        return family

    @property
    def serving(self) -> psutil.Process:
        """The one serving process."""
        [_, process] = self.family
        return process

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def queue_depth(self) -> float:
        lines = self.get("/metrics").decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(DEPTH))

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
            return bytes(answer.read())

    def wait_until_ready(self) -> None:
        wait_for(lambda: self.get("/v2/health/ready"), (urllib.error.URLError, OSError), self.keeper, seconds=60)
