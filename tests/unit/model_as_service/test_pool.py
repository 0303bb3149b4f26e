"""The client's deadline is total: against a server that is silent, slow in every way, or gone."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from model_as_service.pool import CallFailed, Pool

Talk = Callable[[socket.socket, threading.Event], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Talk], str]]:
    """Run a server that treats each connection with one function."""
    over = threading.Event()
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def accept(listener: socket.socket, talk: Talk) -> None:
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                with suppress(OSError):  # the client has hung up
                    talk(connection, over)

    def start(talk: Talk) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        thread = threading.Thread(target=accept, args=(listener, talk))
        thread.start()
        threads.append(thread)
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield start
    over.set()
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(5)


def silent(_connection: socket.socket, over: threading.Event) -> None:
    over.wait(5)


def drip(connection: socket.socket, over: threading.Event) -> None:
    """Send a byte of the header now and then: every socket read succeeds in time, the whole never comes."""
    for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 500:
        connection.sendall(bytes([byte]))
        if over.wait(0.05):
            return


def half(connection: socket.socket, _over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


@pytest.mark.parametrize("talk", [silent, drip])
def test_the_deadline_holds_whatever_the_server_does(serve: Callable[[Talk], str], talk: Talk) -> None:
    start = time.monotonic()
    with pytest.raises(CallFailed, match="timed out"):
        Pool().post(serve(talk), b"x" * 100, {"Content-Type": "text/plain"}, 0.2)
    assert 0.15 < time.monotonic() - start < 1.0


def test_half_an_answer_is_no_answer(serve: Callable[[Talk], str]) -> None:
    with pytest.raises(CallFailed):
        Pool().get(serve(half), 1.0)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(CallFailed):
        Pool().get(f"http://127.0.0.1:{port}/", 1.0)


def test_no_time_left_is_no_call() -> None:
    with pytest.raises(CallFailed, match="no time"):
        Pool().get("http://127.0.0.1:1/", 0.0)


def test_a_connection_is_used_again(serve: Callable[[Talk], str]) -> None:
    connections: list[socket.socket] = []

    def answer(connection: socket.socket, over: threading.Event) -> None:
        connections.append(connection)
        while not over.is_set():
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Said: yes\r\nContent-Length: 2\r\n\r\nok")
            if not connection.recv(65536):
                return

    url, pool = serve(answer), Pool()
    for _ in range(3):
        reply = pool.post(url, b"body", {}, 1.0)
        assert (reply.status, reply.body, reply.headers["x-said"]) == (200, b"ok", "yes")
    assert len(connections) == 1
    pool.close()
