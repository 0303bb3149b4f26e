"""One request at a time: what is sent, what comes back, and an end to every wait."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bench.conformance.client import Answer, Client, Missed, NoAnswer
from bench.exits import UsageProblem
from tests.processes import free_port

PATIENCE = 0.3
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


@contextmanager
def talking(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that treats its one connection as told; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v2"
        finally:
            thread.join(10)
            assert not thread.is_alive()


def silent(connection: socket.socket) -> None:
    while connection.recv(1000):
        pass


def dripping(connection: socket.socket) -> None:
    connection.sendall(HEAD)
    while True:  # until the other side has hung up
        connection.sendall(b"x")
        threading.Event().wait(PATIENCE / 10)


@pytest.mark.parametrize("talk", [silent, dripping])
def test_a_server_that_does_not_come_to_an_end_is_left(talk: Callable[[socket.socket], None]) -> None:
    start = time.monotonic()
    with talking(talk) as url, pytest.raises(NoAnswer, match="within"):
        Client(url, seconds=PATIENCE).get("/v2")
    assert time.monotonic() - start < PATIENCE * 10


@pytest.mark.parametrize("words", [b"", b"220 smtp ready\r\n", HEAD + b"too little"])
def test_what_is_no_whole_http_answer_is_none(words: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(words)

    with talking(talk) as url, pytest.raises(NoAnswer, match="no answer"):
        Client(url, seconds=5).get("/v2")


def test_what_is_sent() -> None:
    received: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        while not b"".join(received).endswith(b"body"):
            received.append(connection.recv(10_000))
        connection.sendall(b'HTTP/1.1 200 OK\r\nX-Y: z\r\nContent-Length: 9\r\n\r\n{"a": 1} ')

    with talking(talk) as url:
        answer = Client(url.removesuffix("/v2") + "/prefix/v2/", seconds=5).post(
            "/v2/models/m/infer", b"body", {"A": "b"}
        )
    request = b"".join(received)
    assert request.startswith(b"POST /prefix/v2/models/m/infer HTTP/1.1\r\n")
    assert b"\r\nA: b\r\n" in request
    assert request.endswith(b"\r\n\r\nbody")
    assert (answer.status, answer.headers["x-y"], answer.object()) == (200, "z", {"a": 1})


def test_nobody_there() -> None:
    with pytest.raises(NoAnswer, match="refused"):
        Client(f"http://127.0.0.1:{free_port()}", seconds=5).get("/v2")


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://127.0.0.1:port"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(UsageProblem):
        Client(url, seconds=5)


@pytest.mark.parametrize("answer", [Answer(200, {}, b"[]"), Answer(200, {}, b""), Answer(404, {}, b"{}")])
def test_what_is_no_object_of_a_200(answer: Answer) -> None:
    with pytest.raises(Missed, match=str(answer.status)):
        answer.object()


def test_a_long_body_is_shown_in_short() -> None:
    assert len(str(Answer(500, {}, b"x" * 10_000))) < 200
