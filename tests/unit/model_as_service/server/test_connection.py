"""The edges of HTTP itself: heads without end, garbage, clients that are slow. JSON for all of them."""

import json
from contextlib import closing, suppress

import pytest

from model_as_service.server import clocks, turns
from model_as_service.server.reading import HEADER_LENGTH
from tests.inference import Answer, Client
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
    monkeypatch.setattr(clocks, "HEAD_S", 0.05)
    assert said_to(served, sent)[0] == 408


def test_a_second_head_that_does_not_come(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with served.connect() as connection:
        connection.sendall(LIVE + b"\r\n")
        assert served.answer_on(connection)[1] == b'{"live":true}'
        assert all(each._late is None for each in served._server.server_state.connections), "nobody waits in between"
        monkeypatch.setattr(clocks, "HEAD_S", 0.05)
        connection.sendall(LIVE)
        assert served.answer_on(connection)[0].status == 408


def test_a_connection_that_waits_between_requests_is_not_late(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "HEAD_S", 0.2)
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
    monkeypatch.setattr(turns, "MAX_HEAD", 500)
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


# --- a client that would rather speak another protocol ---

UPGRADE = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAA\r\n"
PIECES = {  # as which a request of head and body is sent
    "whole": lambda head, body: [head + body],
    "head and body": lambda head, body: [head, body],
    "three": lambda head, body: [head[:-3], head[-3:] + body[:7], body[7:]],
    "bytes": lambda head, body: [bytes([byte]) for byte in head + body],
}


def wish(image: bytes = b"a", wanted: str = UPGRADE, *, chunked: bool = False) -> tuple[bytes, bytes]:
    """Return head and body of a request for one image, as Java's HttpClient sends it."""
    body, length = binary_request([image])
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    head = (
        f"POST /v2/models/fake/infer?a=b HTTP/1.1\r\n{wanted}Host: x\r\n{framing}\r\n{HEADER_LENGTH}: {length}\r\n\r\n"
    )
    if chunked:
        parts = (b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:9], body[9:]))
        body = b"".join(parts) + b"0\r\nUpgrade: h2c\r\n\r\n"
    return head.encode(), body


def first_class(answer: Answer) -> int:
    """Return the number of the first class, which our model makes of the image's first byte."""
    assert (answer.status, "upgrade" in answer.headers) == (200, False), answer
    return int(answer.document["outputs"][2]["data"][0])  # type: ignore[index]


@pytest.mark.parametrize("cut", PIECES)
def test_a_wish_for_another_protocol_is_ignored_and_the_body_is_not(served: Served, cut: str) -> None:
    with closing(Client(served.address[1])) as client:
        for image, chunked in ((b"a", False), (b"b", True), (b"c", True), (b"d", False)):
            for piece in PIECES[cut](*wish(image, chunked=chunked)):
                client.send(piece)
            assert first_class(client.receive()) == image[0]
        assert client.ask(LIVE + b"\r\n").body == b'{"live":true}'


def test_wishes_that_come_together_are_answered_in_order(served: Served) -> None:
    with closing(Client(served.address[1])) as client:
        client.send(b"".join(part for number in range(97, 117) for part in wish(bytes([number]))))
        assert [first_class(client.receive()) for _ in range(20)] == [*range(97, 117)]


def test_so_many_wishes_at_once_that_they_must_not_be_nested(served: Served) -> None:
    with closing(Client(served.address[1])) as client:
        client.send(2000 * (LIVE + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n"))
        assert {client.receive().body for _ in range(2000)} == {b'{"live":true}'}


def test_a_body_that_looks_like_a_request_is_none(served: Served) -> None:
    request = LIVE + b"\r\n"
    head = f"POST /v2/nothing HTTP/1.1\r\nHost: x\r\n{UPGRADE}Content-Length: {len(request)}\r\n\r\n".encode()
    with closing(Client(served.address[1])) as client:
        client.send(head + request + request)
        assert [client.receive().status for _ in range(2)] == [404, 200]
        assert client.ask(b"".join(wish())).status == 200, "there was no third answer"


@pytest.mark.parametrize(
    ("wanted", "connection"),
    [
        ("Upgrade: h2c\r\n", None),
        ("CONNECTION: keep-alive, upgrade\r\nUPGRADE: websocket\r\nUpgrade: h2c\r\n", None),
        ("Connection: close, Upgrade\r\nUpgrade: h2c\r\n", "close"),
    ],
)
def test_whatever_else_is_said_about_the_connection_counts(served: Served, wanted: str, connection: str | None) -> None:
    with closing(Client(served.address[1])) as client:
        answer = client.ask(b"".join(wish(wanted=wanted)))
        assert (first_class(answer), answer.headers.get("connection")) == (97, connection)


@pytest.mark.parametrize("target", [b"/", b"x:80"])
@pytest.mark.parametrize("wanted", [b"", UPGRADE.encode()])
def test_nobody_is_connected_to_somebody_else(served: Served, target: bytes, wanted: bytes) -> None:
    assert said_to(served, b"CONNECT " + target + b" HTTP/1.1\r\nHost: x\r\n" + wanted + b"\r\nabc")[0] == 400
