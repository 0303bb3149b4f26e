"""The edges of HTTP itself: heads without end, garbage, clients that are slow. JSON for all of them."""

import json
from contextlib import suppress

import pytest

from model_as_service.server import connection as module
from tests.processes import wait_for
from tests.unit.model_as_service.server.messages import binary_request
from tests.unit.model_as_service.server.served import Served

LIVE = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n"


def said_to(served: Served, sent: bytes) -> tuple[int, str]:
    """Return status and error of the answer after which the server hangs up."""
    with served.connect() as connection:
        connection.sendall(sent)
        answer, body = served.answer_on(connection)
        assert connection.recv(1) == b""
    assert (answer.headers["Connection"], answer.headers["Content-Type"]) == ("close", "application/json")
    document = json.loads(body)
    assert list(document) == ["error"]
    return answer.status, document["error"]


@pytest.mark.parametrize("before", [b"", LIVE + b"\r\n"])
def test_a_head_without_end(served: Served, before: bytes) -> None:
    with served.connect() as connection:
        if before:
            connection.sendall(before)
            assert served.answer_on(connection)[0].status == 200
        connection.sendall(LIVE)
        with suppress(ConnectionError):  # it has hung up before we were done
            for _ in range(100):
                connection.sendall(b"X: " + b"a" * 10_000 + b"\r\n")
        answer, body = served.answer_on(connection)
    assert (answer.status, json.loads(body)) == (431, {"error": "the request's headers are longer than 65,536 bytes"})


@pytest.mark.parametrize("sent", [b"hello\r\n\r\n", b"\0\1\2\3", b"GET / HTTP/9.9\r\n\r\n", LIVE + b"no colon\r\n\r\n"])
def test_garbage(served: Served, sent: bytes) -> None:
    status, words = said_to(served, sent)
    assert (status, bool(words)) == (400, True)


@pytest.mark.parametrize("sent", [b"", b"GET /v2", LIVE])
def test_a_head_that_does_not_come(served: Served, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(module, "HEAD_S", 0.05)
    assert said_to(served, sent)[0] == 408


def test_a_second_head_that_does_not_come(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with served.connect() as connection:
        connection.sendall(LIVE + b"\r\n")
        assert served.answer_on(connection)[1] == b'{"live":true}'
        assert all(each._late is None for each in served._server.server_state.connections), "nobody waits in between"
        monkeypatch.setattr(module, "HEAD_S", 0.05)
        connection.sendall(LIVE)
        assert served.answer_on(connection)[0].status == 408


def test_a_connection_that_waits_between_requests_is_not_late(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEAD_S", 0.2)
    with served.connect() as idle:
        idle.sendall(LIVE + b"\r\n")
        assert served.answer_on(idle)[0].status == 200
        assert said_to(served, b"")[0] == 408  # so long, and longer, has the other one been idle
        idle.sendall(LIVE + b"\r\n")
        assert served.answer_on(idle)[0].status == 200


def test_a_head_in_small_pieces_and_many_requests_on_one_connection(served: Served) -> None:
    with served.connect() as connection:
        for _ in range(3):
            for byte in LIVE + b"\r\n":
                connection.sendall(bytes([byte]))
            assert served.answer_on(connection)[0].status == 200


def test_a_body_is_not_counted_as_the_head_of_the_request_behind_it(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_HEAD", 500)
    body, length = binary_request([b"a"], id="x" * 2000)
    head = f"POST /v2/models/fake/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    with served.connect() as connection:
        connection.sendall(f"{head}Inference-Header-Content-Length: {length}\r\n\r\n".encode() + body + LIVE)
        assert served.answer_on(connection)[0].status == 200
        connection.sendall(b"\r\n")
        assert served.answer_on(connection)[0].status == 200


def test_connections_that_were_refused_are_closed(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    said_to(served, b"garbage\r\n\r\n")

    def none_left() -> None:
        assert not served._server.server_state.connections

    wait_for(none_left)
