"""The client on real sockets: which address of a name it takes, and what it puts on the wire."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from bench.load.client import Wire
from tests.processes import free_port

ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"


@contextmanager
def server(family: socket.AddressFamily, address: str) -> Iterator[tuple[int, list[bytes]]]:
    """Answer every connection that asks once; yields the port, and the requests."""
    seen: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                if request := connection.recv(65536):
                    seen.append(request)
                    connection.sendall(ANSWER)

    with socket.create_server((address, 0), family=family) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], seen
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # ends accept
            thread.join()


def names(monkeypatch: pytest.MonkeyPatch, *ports: int) -> list[str]:
    """Let every name stand for these ports of this machine, in this order; return the names that are looked up."""
    asked: list[str] = []

    def look_up(name: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def test_of_several_addresses_the_first_that_answers_is_kept(monkeypatch: pytest.MonkeyPatch):
    with server(socket.AF_INET, "127.0.0.1") as (port, seen):
        asked = names(monkeypatch, free_port(), port, free_port())
        with closing(Wire("http://photos.example:80")) as wire:
            answers = [wire.exchange(wire.encode("/")).body for _ in range(2)]
    assert (answers, len(seen), asked, wire.opened) == ([b"hi"] * 2, 2, ["photos.example"], 2)


def test_where_no_address_answers_the_requests_will_tell(monkeypatch: pytest.MonkeyPatch):
    names(monkeypatch, free_port(), free_port())
    with closing(Wire("http://photos.example:80")) as wire, pytest.raises(ConnectionRefusedError):
        wire.exchange(wire.encode("/"))


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python has no IPv6")
def test_an_ipv6_address_is_reached_and_keeps_its_brackets():
    with server(socket.AF_INET6, "::1") as (port, seen), closing(Wire(f"http://[::1]:{port}/under")) as wire:
        wire.exchange(wire.encode("/photos/7"))
        post = wire.encode_post("/photos/7", {}, b"")
    assert seen[0].startswith(f"GET /under/photos/7 HTTP/1.1\r\nHost: [::1]:{port}\r\n".encode())
    assert post.startswith(f"POST /under/photos/7 HTTP/1.1\r\nHost: [::1]:{port}\r\n".encode())
