"""Requests without waiting for answers, and clients that end their side or vanish."""

import socket
import struct
import threading
from contextlib import closing

import pytest

from model_as_service.server import turns
from tests.inference import Client
from tests.processes import wait_for
from tests.unit.model_as_service.server.fakes import FakeModel, loaded
from tests.unit.model_as_service.server.served import Served

LIVE = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"


def raw(image: bytes, *more: bytes) -> bytes:
    lines = (b"POST /v2/models/fake/infer HTTP/1.1", b"Host: x", b"Inference-Header-Content-Length: 0", *more)
    return b"\r\n".join((*lines, b"Content-Length: %d" % len(image), b"", image))


NONSENSE = [
    b"nonsense\r\n\r\n",
    b"GET http:// HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n",
]


def hold(model: FakeModel) -> None:
    """Have the model begin with the next image and not end."""
    model.begun, model.held = threading.Semaphore(0), True


def statuses(connection: socket.socket) -> list[int]:
    """Read all answers up to the end of the connection."""
    with closing(Client(0, connection=connection)) as client:
        found = []
        while True:
            try:
                answer = client.receive()
            except ConnectionResetError:
                return found
            found.append(answer.status)
            if answer.headers.get("connection") == "close":
                return found


@pytest.mark.parametrize(
    "request_", [LIVE, raw(b"a", b"X-Request-Timeout-Ms: 1"), raw(b"")], ids=["live", "late", "bad"]
)
def test_twenty_thousand_at_once(served: Served, caplog: pytest.LogCaptureFixture, request_: bytes) -> None:
    with closing(Client(served.address[1])) as client:
        client.send(5000 * request_)
        assert {client.receive().status for _ in range(5000)} <= {200, 400, 503, 504}
    assert "Traceback" not in caplog.text


def test_what_waits_for_its_turn_is_bytes_not_requests(served: Served, model: FakeModel) -> None:
    with served.connect() as connection, closing(Client(0, connection=connection)) as client:
        hold(model)
        client.send(raw(b"a") + 5000 * LIVE)
        assert model.begun.acquire(timeout=10)
        [ours] = [each for each in served._server.server_state.connections if each.pipeline]
        assert len(ours.pipeline) <= turns.PIECE // len(LIVE) + 1
        model.let_go()
        assert {client.receive().status for _ in range(5001)} == {200}


def test_what_waits_for_its_turn_is_counted_and_refused_beyond_the_budget() -> None:
    model = FakeModel()
    with Served(loaded(model), body_budget_mb=1) as served, served.connect() as first:
        hold(model)
        served.app.budget.held += 990_000  # somebody else's
        first.sendall(raw(b"a") + 20_000 * LIVE)
        assert model.begun.acquire(timeout=10)
        model.let_go()
        found = statuses(first)
        assert (found[0], {*found[1:-1]}, found[-1]) == (200, {200}, 503)
        wait_for(lambda: nobody_left(served))
        assert served.app.budget.held == 990_000
        served.app.budget.held = 0


@pytest.mark.parametrize("linger", [True, False], ids=["reset", "close"])
def test_a_client_that_vanishes_with_many_requests_leaves_no_traceback(
    caplog: pytest.LogCaptureFixture, *, linger: bool
) -> None:
    model = FakeModel()
    with Served(loaded(model)) as served:
        hold(model)
        with served.connect() as connection:
            connection.sendall(raw(b"a") + 300 * (raw(b"b") + LIVE))
            assert model.begun.acquire(timeout=10)
            if linger:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        model.let_go()
        wait_for(lambda: nobody_left(served))
        with closing(Client(served.address[1])) as client:
            assert client.ask(raw(b"c")).status == 200
        wait_for(lambda: nothing_held(served))
    assert len(model.batches) < 20, "the first answer shows that nobody is there"
    assert not caplog.records, caplog.text


def nothing_held(served: Served) -> None:
    assert served.app.budget.held == 0


def nobody_left(served: Served) -> None:
    assert not served._server.server_state.connections


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (LIVE, [200]),
        (raw(b"a"), [200]),
        (3 * raw(b"a") + LIVE, [200] * 4),
        (3000 * LIVE, [200] * 3000),
        (raw(b"a") + LIVE[:-2], [200]),
        (raw(b"a") + raw(b"a" * 99)[:-1], [200]),
        (raw(b"a") + b"nonsense\r\n\r\n", [200, 400]),
        (b"", []),
        (LIVE[:-2], []),
        (raw(b"a" * 99)[:-1], []),
    ],
)
def test_who_ends_its_side_is_answered(served: Served, sent: bytes, expected: list[int]) -> None:
    connection = served.connect()
    connection.sendall(sent)
    connection.shutdown(socket.SHUT_WR)
    assert statuses(connection) == expected


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
def test_who_ends_its_side_and_waits_for_long_is_answered_too(
    served: Served, model: FakeModel, monkeypatch: pytest.MonkeyPatch, version: bytes
) -> None:
    monkeypatch.setattr(turns, "PROBE_S", 0.01)
    connection = served.connect()
    hold(model)
    connection.sendall(raw(b"a").replace(b"HTTP/1.1", b"HTTP/" + version))
    connection.shutdown(socket.SHUT_WR)
    assert model.begun.acquire(timeout=10)
    if version == b"1.1":
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    model.let_go()
    assert statuses(connection) == [200]


@pytest.mark.parametrize("first", [b"", LIVE], ids=["first", "second"])
@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_is_answered_and_logged_in_a_line(
    served: Served, caplog: pytest.LogCaptureFixture, first: bytes, nonsense: bytes
) -> None:
    connection = served.connect()
    connection.sendall(first + nonsense)
    assert statuses(connection) == [200] * bool(first) + [400]
    assert {record.getMessage() for record in caplog.records} == {"Invalid HTTP request received."}


@pytest.mark.parametrize("nonsense", [*NONSENSE, LIVE[:-2] + b"X: " + bytes(9) + b"\r\n\r\n"])
def test_what_is_wrong_is_said_after_the_answers_before_it(served: Served, model: FakeModel, nonsense: bytes) -> None:
    with closing(Client(served.address[1])) as client:
        hold(model)
        client.send(raw(b"a") + LIVE + nonsense)
        assert model.begun.acquire(timeout=10)
        model.let_go()
        assert [client.receive().status for _ in range(3)] == [200, 200, 400]


def test_a_body_with_broken_chunks_is_refused_at_once(served: Served) -> None:
    with closing(Client(served.address[1])) as client:
        answer = client.ask(
            b"POST /v2/models/fake/infer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"
        )
        assert answer.status == 400
