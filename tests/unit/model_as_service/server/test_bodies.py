"""The budget of all bodies together: who gets in, who is refused, and that all of it is given back."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from model_as_service.server.bodies import SMALL, Body, Budget
from model_as_service.server.refused import Refused
from tests.inference import Answer, Client, photos
from tests.processes import wait_for
from tests.unit.model_as_service.server.fakes import FakeModel, loaded
from tests.unit.model_as_service.server.messages import binary_request
from tests.unit.model_as_service.server.served import Served

MB = 1_000_000
INFER = "/v2/models/fake/infer"
PHOTO = binary_request([b"a"])[0]


@pytest.fixture
def tight() -> Iterator[Served]:
    """Eight megabytes: six for large bodies, four for batch jobs."""
    with Served(loaded(FakeModel()), body_budget_mb=8, repository=True) as served:
        yield served


def head(length: int | None, path: str = INFER, *more: str) -> bytes:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", framing, *more, "", ""]).encode()


def raw(image: bytes) -> bytes:
    return head(len(image), INFER, "Inference-Header-Content-Length: 0") + image


def held_is(served: Served, count: int) -> None:
    def probe() -> None:
        assert served.app.budget.held == count

    wait_for(probe)


def is_refused(answer: Answer) -> None:
    assert (answer.status, answer.headers["retry-after"]) == (503, "1"), answer
    assert "bodies of other" in answer.error


@pytest.mark.parametrize("path", [INFER, "/v2/repository/index", "/v2/repository/models/fake/load"])
@pytest.mark.parametrize("announced", [True, False], ids=["length", "chunks"])
def test_beyond_the_budget_is_503_on_every_route_that_reads_a_body(
    tight: Served, path: str, *, announced: bool
) -> None:
    with ExitStack() as stack:
        first, second = (stack.enter_context(closing(Client(tight.address[1]))) for _ in range(2))
        first.send(head(5 * MB, path) + bytes(4 * MB))
        held_is(tight, 4 * MB)
        if announced:
            is_refused(second.ask(head(3 * MB, path)))  # of which not a byte has come
            second.send(bytes(3 * MB))  # is thrown away
        else:
            second.send(head(None, path) + b"%x\r\n" % (3 * MB) + bytes(3 * MB) + b"\r\n0\r\n\r\n")
            is_refused(second.receive())
        held_is(tight, 4 * MB)
        assert second.ask(raw(b"a")).status == 200, "and the connection is of use"
        first.send(bytes(MB))
        assert first.receive().status == 400
    held_is(tight, 0)


def test_of_many_large_bodies_that_come_together_those_get_in_for_which_there_is_room() -> None:
    budget = Budget(128 * MB)
    bodies = [Body(budget, [(b"content-length", b"47000000")]) for _ in range(40)]
    for _ in range(47):  # all of them in the same turns of the event loop, before any request is answered
        for body in bodies:
            body.take(MB)
    whole = [body for body in bodies if body.take(0)]
    assert len(whole) == 2
    assert budget.held == 2 * 47 * MB
    for body in bodies:
        body.release()
    assert budget.held == 0


def test_what_large_bodies_take_slowly_small_ones_do_not_miss(tight: Served) -> None:
    with ExitStack() as stack:
        for _ in range(20):
            trickles = stack.enter_context(closing(Client(tight.address[1])))
            trickles.send(head(5 * MB) + bytes(MB))
        with closing(Client(tight.address[1])) as client:
            assert [client.ask(raw(b"a" * 100_000)).status for _ in range(3)] == [200, 200, 200]
    held_is(tight, 0)


def test_whatever_becomes_of_a_request_its_bytes_are_given_back(tight: Served) -> None:
    port = tight.address[1]
    for sent in (raw(b"a"), raw(b"bad"), head(10) + b"0123456789", head(10, "/nothing") + b"0123456789"):
        with closing(Client(port)) as client:
            assert client.ask(sent)
    for sent in (head(100) + b"half", head(None) + b"4\r\nhalf\r\n", 3 * raw(b"a") + head(100) + b"half"):
        with closing(Client(port)) as client:
            client.send(sent)
    held_is(tight, 0)


def test_requests_that_wait_for_their_turn_are_counted_and_forgotten_with_their_client() -> None:
    model = FakeModel()
    with Served(loaded(model)) as served, closing(Client(served.address[1])) as client:
        model.held = True
        client.send(raw(b"a") + raw(b"b" * 1000) + raw(b"c" * 2000))
        assert model.begun.acquire(timeout=10)
        held_is(served, 3001)
        client.close()
        model.let_go()
        held_is(served, 0)


def test_a_body_that_could_never_fit_is_not_told_to_come_back(tight: Served) -> None:
    with closing(Client(tight.address[1])) as client:
        answer = client.ask(head(7 * MB))
    assert (answer.status, answer.error) == (413, "the body is larger than 6,000,000 bytes")


def test_batch_jobs_leave_room_for_people() -> None:
    model = FakeModel()
    job = photos([b"x" * 1_500_000], "fake", priority=2)
    with Served(loaded(model), body_budget_mb=8) as served, ThreadPoolExecutor(2) as jobs, ExitStack() as stack:
        clients = [stack.enter_context(closing(Client(served.address[1]))) for _ in range(4)]
        model.held = True
        waiting = [jobs.submit(client.ask, job) for client in clients[:2]]

        def two() -> None:
            assert served.app.budget.bulk > 2 * MB

        wait_for(two)
        is_refused(clients[2].ask(job))
        person = clients[3]
        person.send(photos([b"y" * 1_500_000], "fake"))

        def another() -> None:
            assert served.app.budget.held > 4 * MB

        wait_for(another)
        model.let_go()
        assert person.receive().status == 200
        assert [one.result().status for one in waiting] == [200, 200]
        held_is(served, 0)
        assert served.app.budget.bulk == 0


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "GZIP", "identity, gzip"])
@pytest.mark.parametrize("path", [INFER, "/v2/repository/index"])
def test_a_coding_is_named_and_refused(tight: Served, path: str, coding: str) -> None:
    answer = tight.client.post(path, content=b"\x1f\x8b", headers={"Content-Encoding": coding})
    assert (answer.status_code, answer.headers["Accept-Encoding"]) == (415, "identity")
    assert repr(coding) in answer.json()["error"]
    assert tight.client.post("/v2/repository/index", headers={"Content-Encoding": "identity"}).status_code == 200


def test_a_coding_of_the_transfer_is_refused_too(tight: Served) -> None:
    with closing(Client(tight.address[1])) as client:
        sent = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
        assert client.ask(sent.encode()).status == 415


def test_the_metrics_say_how_much_is_held(tight: Served) -> None:
    with closing(Client(tight.address[1])) as client:
        client.send(head(1000) + bytes(500))
        held_is(tight, 500)
        text = tight.client.get("/metrics").text
    assert "sweetspot_inference_body_bytes 500.0" in text
    assert "sweetspot_inference_body_budget_bytes 8e+06" in text


def body(budget: Budget, length: int = 0) -> Body:
    return Body(budget, [(b"content-length", str(length).encode())])


def test_the_shares() -> None:
    budget = Budget(8 * MB)
    assert budget.largest == 6 * MB
    large, small = body(budget), body(budget)
    assert large.take(6 * MB)
    assert not body(budget).take(SMALL + 1)
    assert small.take(SMALL)
    assert not small.take(1), "now it is a large one"
    assert not small.take(0), "and what follows is of no use without it"
    small.release()
    large.release()
    large.release()  # once only
    assert budget.held == 0


def test_batch_jobs_have_half() -> None:
    budget = Budget(8 * MB)
    first, second = body(budget), body(budget)
    assert first.take(3 * MB)
    assert second.take(2 * MB)
    first.is_bulk()
    with pytest.raises(Refused, match="batch jobs") as refused:
        second.is_bulk()
    assert json.loads(str(refused.value.retry_after)) == 1
    first.release()
    second.is_bulk()
    second.release()
    assert (budget.held, budget.bulk) == (0, 0)
