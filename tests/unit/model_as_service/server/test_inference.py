"""One inference request from its headers to its answer, over a real connection."""

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from time import monotonic

import httpx2
import pytest

from model_as_service.server import bodies, inference
from model_as_service.server.reading import HEADER_LENGTH
from tests.processes import wait_for
from tests.unit.model_as_service.server.fakes import NAN, POISON, UNREADABLE, FakeModel, loaded
from tests.unit.model_as_service.server.messages import (
    Message,
    binary_outputs,
    binary_request,
    json_request,
    with_length,
)
from tests.unit.model_as_service.server.served import Served

INFER = "/v2/models/fake/infer"
LIVE = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"


def post(served: Served, message: Message, path: str = INFER, **headers: str) -> httpx2.Response:
    body, length = message
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return served.client.post(path, content=body, headers=with_length(length) | named)


@contextmanager
def busy(served: Served, model: FakeModel) -> Iterator[None]:
    """The model has begun with somebody's image, who gets an answer in the end."""
    with ThreadPoolExecutor(1) as others:
        model.begun, model.held = threading.Semaphore(0), True
        first = others.submit(post, served, binary_request([b"busy"]))
        try:
            assert model.begun.acquire(timeout=10)
            yield
        finally:
            model.let_go()
        assert first.result().status_code == 200


def depth_is(served: Served, depth: int) -> None:
    def probe() -> None:
        assert served.app.scheduler.depth == depth

    wait_for(probe)


def error_of(answer: httpx2.Response) -> str:
    assert list(answer.json()) == ["error"]
    return str(answer.json()["error"])


def test_all_forms_of_a_request_get_the_same_answer(served: Served) -> None:
    text, binary = post(served, json_request([b"a"])), post(served, binary_request([b"a"]))
    versioned = post(served, binary_request([b"a"]), "/v2/models/fake/versions/1/infer")
    assert text.status_code == 200
    assert text.json() == binary.json() == versioned.json()
    raw = post(served, (b"a", "0"))
    document, data = binary_outputs(raw.content, int(raw.headers[HEADER_LENGTH]))
    assert data["label"][4:12] == text.json()["outputs"][0]["data"][0].encode() == b"class 97"
    assert [output["shape"] for output in document["outputs"]] == [[1, 5], [1, 5], [1, 5], [1, 1000]]


def test_the_stages_come_with_the_answer(served: Served) -> None:
    said = post(served, binary_request([b"a"])).headers["Server-Timing"]
    stages = dict(stage.split(";dur=") for stage in said.split(", "))
    assert list(stages) == ["queue", "decode", "infer"]
    assert all(float(milliseconds) >= 0 for milliseconds in stages.values())


@pytest.mark.parametrize("bad", [UNREADABLE, NAN, POISON])
def test_an_image_without_an_answer_is_named(served: Served, bad: bytes) -> None:
    status = 500 if bad == POISON else 422
    alone = post(served, binary_request([bad]))
    among = post(served, binary_request([b"a", bad]))
    assert alone.status_code == among.status_code == status
    assert among.json() == {"error": f"image 1: {alone.json()['error']}"}


@pytest.mark.parametrize("path", ["/v2/models/other/infer", "/v2/models/fake/versions/9/infer", "/v2/models//infer"])
def test_what_is_not_served_is_404(served: Served, path: str) -> None:
    answer = post(served, binary_request([b"a"]), path)
    assert (answer.status_code, "no model" in error_of(answer)) == (404, True)


def test_nothing_is_400(served: Served) -> None:
    answer = post(served, (b"", None))
    assert (answer.status_code, "not JSON" in error_of(answer)) == (400, True)


@pytest.mark.parametrize("header", ["X_Request_Timeout_Ms", "X_Envoy_Expected_Rq_Timeout_Ms"])
def test_a_deadline_that_passes_is_answered_then_although_the_model_is_busy(
    served: Served, model: FakeModel, header: str
) -> None:
    with busy(served, model):
        answer = post(served, binary_request([b"late"]), **{header: "30"})
        assert answer.status_code in {503, 504}, "503: so slow a machine does not even let it in"
        assert error_of(answer)
    assert b"late" not in model.decoded


def test_of_several_deadlines_the_smallest_counts(served: Served, model: FakeModel) -> None:
    with busy(served, model):
        for in_body_us, in_header_ms in ((30_000, "9000"), (9_000_000, "30")):
            started = monotonic()
            message = binary_request([b"late"], parameters={"timeout": in_body_us})
            assert post(served, message, X_Request_Timeout_Ms=in_header_ms).status_code in {503, 504}
            assert monotonic() - started < 5.0


def test_the_deadline_of_the_server_is_for_those_who_name_none() -> None:
    model = FakeModel()
    with Served(loaded(model), deadline_s=0.03) as served, ThreadPoolExecutor(1) as others:
        model.held = True
        patient = others.submit(post, served, binary_request([b"a"]), X_Request_Timeout_Ms="60000")
        assert model.begun.acquire(timeout=10)
        hasty = post(served, binary_request([b"b"]))
        model.let_go()
        assert patient.result().status_code == 200
    assert hasty.status_code in {503, 504}
    assert model.decoded == [b"a"]


@pytest.mark.parametrize("value", ["soon", "-1", "1.5", "", "9" * 10])
def test_a_deadline_that_is_no_number_is_refused(served: Served, value: str) -> None:
    answer = post(served, binary_request([b"a"]), X_Request_Timeout_Ms=value)
    assert (answer.status_code, "milliseconds" in error_of(answer)) == (400, True)


@pytest.mark.parametrize("answered", [0, 1, 2], ids="after {} answers".format)
def test_who_cannot_be_in_time_is_refused_from_the_headers_alone(answered: int) -> None:
    """Before ASGI begins if the connection has had an answer; nobody can tell the difference."""
    model = FakeModel()
    with Served(loaded(model, {1: 5.0})) as served, busy(served, model), served.connect() as connection:
        for _ in range(answered):
            connection.sendall(LIVE)
            assert served.answer_on(connection)[0].status == 200
        head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nX-Request-Timeout-Ms: 100\r\n\r\n"
        for number in range(2):
            connection.sendall(head.encode())
            answer, body = served.answer_on(connection)
            assert (answer.status, int(answer.headers["Retry-After"]) >= 1) == (503, True)
            assert answer.headers["Content-Type"] == "application/json"
            assert json.loads(body)["error"].startswith("the answer would take")
            connection.sendall(bytes(500))
            connection.sendall(bytes(500) + LIVE)
            answer, _ = served.answer_on(connection)
            assert answer.status == 200, "the connection is of use after the body that nobody read"
            metrics = served.client.get("/metrics").text
            assert f'sweetspot_inference_refusals_total{{reason="deadline"}} {number + 1}.0' in metrics
        assert served.app.repository.find("fake", None).statistics.requests["fail"].count == 2


@pytest.mark.parametrize("wish", ["Connection: close", "Expect: 100-continue", "Connection: Upgrade\r\nUpgrade: h2c"])
def test_a_refusal_heeds_the_rest_of_the_head(wish: str) -> None:
    model = FakeModel()
    with Served(loaded(model, {1: 5.0})) as served, busy(served, model), served.connect() as connection:
        connection.sendall(LIVE)
        assert served.answer_on(connection)[0].status == 200
        head = (
            f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nX-Request-Timeout-Ms: 100\r\n{wish}\r\n\r\nbody"
        )
        connection.sendall(head.encode())
        assert served.answer_on(connection)[0].status == 503
        if "close" in wish:
            assert connection.recv(1) == b""
        else:
            connection.sendall(LIVE)
            assert served.answer_on(connection)[0].status == 200


def test_a_request_behind_another_is_judged_when_its_turn_has_come() -> None:
    model = FakeModel()
    with Served(loaded(model, {1: 1.0})) as served, served.connect() as connection:
        with busy(served, model):
            body, length = binary_request([b"b"])
            first = begin(len(body), Inference_Header_Content_Length=length) + body
            connection.sendall(first + begin(0, X_Request_Timeout_Ms=100))
            depth_is(served, 1)
        received = b""
        while received.count(b"HTTP/1.1 ") < 2:
            received += connection.recv(65536)
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"400"], "by then there is time, but it is empty"


def test_a_full_queue_says_when_to_come_back() -> None:
    model = FakeModel()
    with Served(loaded(model), queue=1) as served, ThreadPoolExecutor(1) as others:
        with busy(served, model):
            waiting = others.submit(post, served, binary_request([b"b"]))
            depth_is(served, 1)
            refused = post(served, binary_request([b"c"]))
            assert (refused.status_code, int(refused.headers["Retry-After"]) >= 1) == (503, True)
            assert "at most 1 may" in error_of(refused)
            assert served.client.get("/v2/health/live").status_code == 200, "the event loop is free"
        assert waiting.result().status_code == 200


def begin(length: int, **headers: object) -> bytes:
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{more}\r\n".encode()


@pytest.mark.parametrize(
    ("limit", "value", "sent", "status", "words"),
    [
        ("MAX_BODY", 100_000, 150_000, 413, "the body is larger than 100,000 bytes"),
        ("BODY_S", 0.05, 5, 408, "the body did not arrive within 0 s"),
    ],
)
def test_a_body_without_end_is_cut_off(
    served: Served, monkeypatch: pytest.MonkeyPatch, limit: str, value: float, sent: int, status: int, words: str
) -> None:
    monkeypatch.setattr(bodies, limit, value)
    with served.connect() as connection:
        connection.sendall(begin(999_999) + bytes(sent))
        answer, body = served.answer_on(connection)
        assert (answer.status, json.loads(body)) == (status, {"error": words})
        with suppress(ConnectionError):
            assert connection.recv(1) == b"", "the server hangs up"


def test_whoever_hangs_up_while_waiting_costs_nothing(served: Served, model: FakeModel) -> None:
    body, length = binary_request([b"gone"])
    with busy(served, model):
        with served.connect() as connection:
            connection.sendall(begin(len(body), **{HEADER_LENGTH: length}) + body)
            depth_is(served, 1)
        depth_is(served, 0)
    assert post(served, binary_request([b"next"])).status_code == 200
    assert b"gone" not in model.decoded


def test_whoever_hangs_up_within_a_body_is_forgotten_and_counted(served: Served) -> None:
    def abandoned() -> float:
        value = served.app.metrics.registry.get_sample_value(
            "sweetspot_inference_refusals_total", {"reason": "abandoned"}
        )
        return value or 0.0

    before = abandoned()
    with served.connect() as connection:
        connection.sendall(begin(10) + b"half")

    def one_more() -> None:
        assert abandoned() == before + 1

    wait_for(one_more)


def test_a_bug_is_an_error_object_without_details(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(inference, "write", lambda *_: 1 / 0)
    answer = post(served, binary_request([b"a"]))
    assert (answer.status_code, error_of(answer)) == (500, "something went wrong here; it has been logged")
    assert "ZeroDivisionError" in caplog.text


def test_requests_at_the_same_time_keep_their_answers(served: Served, model: FakeModel) -> None:
    with ThreadPoolExecutor(20) as others:
        with busy(served, model):
            answers = [others.submit(post, served, json_request([bytes([number])])) for number in range(65, 85)]
            depth_is(served, 20)
        firsts = [answer.result().json()["outputs"][2]["data"][0] for answer in answers]
    assert firsts == list(range(65, 85))
    assert max(map(len, model.batches)) == 4


# --- bodies that take long to look through ---


class Looking:
    """In place of `large_ones`: goes on when it is told to."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Semaphore(0), threading.Event()

    def __call__(self, _images: object) -> dict[int, float]:
        self.begun.release()
        assert self.go.wait(10), "nobody let it go"
        return {}


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Iterator[Looking]:
    looking = Looking()
    monkeypatch.setattr(inference, "large_ones", looking)
    yield looking
    looking.go.set()


BIG = b"a" + b" " * bodies.SMALL  # the model makes the same of it as of b"a"


@pytest.fixture
def roomy(model: FakeModel, monkeypatch: pytest.MonkeyPatch) -> FakeModel:
    preprocess = model.preprocess
    monkeypatch.setattr(model, "preprocess", lambda image: preprocess(image[:4]))
    return model


def test_nobody_waits_while_a_large_body_is_looked_through(served: Served, roomy: FakeModel, looking: Looking) -> None:
    with ThreadPoolExecutor(1) as others:
        asked = others.submit(post, served, binary_request([BIG]))
        assert looking.begun.acquire(timeout=10)
        assert served.client.get("/v2/health/ready").status_code == 200
        looking.go.set()
        assert asked.result().json()["outputs"][2]["data"][0] == BIG[0]


def test_who_vanishes_while_a_body_is_looked_through_costs_nothing_more(
    served: Served, roomy: FakeModel, looking: Looking
) -> None:
    decoded = len(roomy.decoded)
    body, length = binary_request([BIG])
    head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{HEADER_LENGTH}: {length}\r\n\r\n"
    with served.connect() as connection:
        connection.sendall(head.encode() + body)
        assert looking.begun.acquire(timeout=10)
    wait_for(lambda: nobody_left(served))
    looking.go.set()

    def nothing_held() -> None:
        assert served.app.budget.held == 0

    wait_for(nothing_held)
    assert len(roomy.decoded) == decoded


def nobody_left(served: Served) -> None:
    assert not [each for each in served._server.server_state.connections if not each.lost and each._running is not None
                and not each._running.response_complete]  # fmt: skip
