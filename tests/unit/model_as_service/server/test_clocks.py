"""No state of a connection lasts for ever: each one that a client can bring about and leave as it is."""

import http.client
import json
import socket
from contextlib import closing, suppress

import pytest

from model_as_service.server import bodies, clocks
from tests.inference import Client
from tests.processes import wait_for
from tests.unit.model_as_service.server.fakes import FakeModel, loaded
from tests.unit.model_as_service.server.messages import json_request
from tests.unit.model_as_service.server.served import Served

SHORT = 0.05
LIVE = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n"
INFER = b"POST /v2/models/fake/infer HTTP/1.1\r\nHost: x\r\nX-Request-Timeout-Ms: 100\r\nContent-Length: 9\r\n\r\n"
HEALTH = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"


def hangs_up(connection: socket.socket) -> bool:
    """Read to the end, which has to come."""
    with suppress(ConnectionResetError):
        while connection.recv(1 << 16):
            pass
    return True


def nobody_left(served: Served) -> None:
    assert not served._server.server_state.connections


@pytest.mark.parametrize("first", [b"", LIVE + b"\r\n"], ids=["at once", "after an answer"])
@pytest.mark.parametrize("part", [b"", b"half"])
def test_a_body_that_nobody_reads_and_that_does_not_come(
    monkeypatch: pytest.MonkeyPatch, first: bytes, part: bytes
) -> None:
    """The refusal of a head, by the application or before it, and an answer that needs no body."""
    monkeypatch.setattr(bodies, "BODY_S", SHORT)
    model = FakeModel()
    with Served(loaded(model, {1: 5.0}), deadline_s=60) as served, closing(Client(served.address[1])) as other:
        model.held = True
        other.send(b"POST /v2/models/fake/infer HTTP/1.1\r\nHost: x\r\n"
                   b"Inference-Header-Content-Length: 0\r\nContent-Length: 1\r\n\r\na")  # fmt: skip
        assert model.begun.acquire(timeout=10)
        for head, status in ((INFER, 503), (HEALTH, 200)):
            with served.connect() as connection:
                if first:
                    connection.sendall(first)
                    assert served.answer_on(connection)[0].status == 200
                connection.sendall(head)
                assert served.answer_on(connection)[0].status == status
                connection.sendall(part)
                assert hangs_up(connection)
        model.let_go()
        assert other.receive().status == 200


@pytest.mark.parametrize("rest", [b"123456789", b"\r\n"], ids=["the rest of a body", "an empty line"])
def test_what_comes_after_an_answer_does_not_stop_the_clock(rest: bytes) -> None:
    with Served(loaded(FakeModel())) as served:
        served._server.config.timeout_keep_alive = SHORT  # type: ignore[assignment]
        with served.connect() as connection:
            connection.sendall(HEALTH if rest != b"\r\n" else LIVE + b"\r\n")
            assert served.answer_on(connection)[0].status == 200
            with suppress(ConnectionError):  # a slow machine: it has hung up already
                connection.sendall(rest)
            assert hangs_up(connection)


@pytest.mark.parametrize("close", [b"", b"Connection: close\r\n"])
@pytest.mark.parametrize("count", [1, 1000])
def test_answers_that_are_not_read(monkeypatch: pytest.MonkeyPatch, close: bytes, count: int) -> None:
    monkeypatch.setattr(clocks, "WRITE_S", SHORT)
    request = b"POST /v2/models/fake/infer HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%b\r\n%b"
    images = json.dumps({"inputs": [{"name": "image", "datatype": "BYTES", "shape": [32], "data": ["YQ=="] * 32}]})
    body = images.encode()
    with Served(loaded(FakeModel())) as served:
        served._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # or the kernel would take it all
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with closing(connection):
            connection.settimeout(10)
            connection.connect(served.address)
            with suppress(ConnectionError):
                connection.sendall(count * (request % (len(body), close, body)))
            wait_for(lambda: nobody_left(served))

        def nothing_held() -> None:
            assert served.app.budget.held == 0

        wait_for(nothing_held)


@pytest.mark.parametrize("share", [1.0, 0.1], ids=["with room for them", "without"])
def test_answers_that_are_not_read_count_as_bodies_do(share: float) -> None:
    asked = {"outputs": [{"name": "probabilities"}]}
    body, _ = json_request([b"a"] * 32, asked)
    head = b"POST /v2/models/fake/infer HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    with Served(loaded(FakeModel())) as served, socket.socket() as connection:
        budget = served.app.budget
        served._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # or the kernel would take it all
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        connection.connect(served.address)
        budget.for_large = int(share * 1_000_000)
        connection.sendall(head + body)
        if share < 1:
            with pytest.raises((ConnectionError, http.client.IncompleteRead)):
                served.answer_on(connection)
        else:
            wait_for(lambda: must_hold(200_000 < budget.held < 1_000_000))
            assert served.answer_on(connection)[0].status == 200
        wait_for(lambda: must_hold(budget.held == 0))


def must_hold(condition: object) -> None:
    assert condition


def test_a_head_that_does_not_come_is_not_mistaken_for_the_answer_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "HEAD_S", SHORT)
    model = FakeModel()
    with Served(loaded(model)) as served, closing(Client(served.address[1])) as client:
        model.held = True
        client.send(b"POST /v2/models/fake/infer HTTP/1.1\r\nHost: x\r\nInference-Header-Content-Length: 0\r\n"
                    b"Content-Length: 1\r\n\r\na" + LIVE)  # fmt: skip
        assert model.begun.acquire(timeout=10)
        with closing(Client(served.address[1])) as other:
            other.send(LIVE)
            assert other.receive().status == 408  # so long, and longer, has the other head been late
        model.let_go()
        assert [client.receive().status for _ in range(2)] == [200, 408]
