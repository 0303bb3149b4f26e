"""Large photos beside everybody else, with a model that decodes when it is told to."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx2
import pytest

from imaging.cost import Cost
from imaging.errors import UnreadableImage
from model_as_service.server import large as module
from tests.inference import Client
from tests.processes import wait_for
from tests.unit.model_as_service.server.fakes import FakeModel, loaded
from tests.unit.model_as_service.server.messages import binary_request, with_length
from tests.unit.model_as_service.server.served import Served

INFER = "/v2/models/fake/infer"
LARGE, PERSON, BAD, SLOW, SMALL = b"Large", b"LargPers", b"LargBad", b"LargSlow", b"small"
SECONDS = {LARGE: 0.5, PERSON: 0.5, BAD: 0.5, SLOW: 30.0}


def judge(image: bytes) -> Cost:
    if image == b"none":
        raise UnreadableImage("no image")
    return Cost(SECONDS.get(image, 0.001), 1)


class Slow(FakeModel):
    """Decodes a large photo only when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.decoding, self.go = threading.Semaphore(0), threading.Semaphore(0)

    def preprocess(self, image: bytes) -> Any:
        if image in SECONDS:
            self.decoding.release()
            assert self.go.acquire(timeout=10), "nobody let the decoder go"
            if image == BAD:
                raise UnreadableImage("damaged image")
        return super().preprocess(image)


@pytest.fixture
def model() -> Slow:
    return Slow()


@pytest.fixture(params=[0, 1], ids="{} decoders".format)
def served(model: Slow, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Served]:
    monkeypatch.setattr(module, "judge", judge)
    with Served(loaded(model), decoders=request.param) as served:
        yield served
        for _ in range(20):
            model.go.release()


@pytest.fixture
def others() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(20) as others:
        yield others


def post(served: Served, *images: bytes, ms: int = 60_000, priority: int = 0) -> httpx2.Response:
    body, length = binary_request(images, parameters={"priority": priority})
    return served.client.post(INFER, content=body, headers=with_length(length) | {"X-Request-Timeout-Ms": str(ms)})


def begun(model: Slow, others: ThreadPoolExecutor, served: Served, *images: bytes, ms: int = 60_000) -> Future[Any]:
    """Have somebody's large photo be decoded, without end for now."""
    asked = others.submit(post, served, *images, ms=ms)
    assert model.decoding.acquire(timeout=10)
    return asked


def ready(served: Served) -> tuple[int, str]:
    answer = served.client.get("/v2/health/ready")
    return answer.status_code, answer.json().get("error", "")


def is_ready(served: Served) -> None:
    assert ready(served) == (200, "")


def test_everybody_else_is_served_meanwhile(served: Served, model: Slow, others: ThreadPoolExecutor) -> None:
    asked = begun(model, others, served, LARGE)
    assert [post(served, SMALL).status_code for _ in range(3)] == [200] * 3
    assert ready(served) == (200, "")
    model.go.release()
    assert asked.result().json()["outputs"][2]["data"][0] == LARGE[0]


def test_one_at_a_time(served: Served, model: Slow, others: ThreadPoolExecutor) -> None:
    asked = [begun(model, others, served, LARGE, SMALL, LARGE), others.submit(post, served, LARGE)]
    for _ in range(2):
        assert not model.decoding.acquire(blocking=False)
        model.go.release()
        assert model.decoding.acquire(timeout=10)
    model.go.release()
    assert [each.result().status_code for each in asked] == [200, 200]
    assert sorted(model.decoded) == sorted([LARGE, SMALL, LARGE, LARGE]), "each once"


def test_one_that_cannot_be_read_is_422(served: Served, model: Slow, others: ThreadPoolExecutor) -> None:
    asked = begun(model, others, served, SMALL, BAD)
    model.go.release()
    assert (asked.result().status_code, asked.result().json()) == (422, {"error": "image 1: damaged image"})
    assert post(served, b"none").status_code == 200, "which the model judges"


@pytest.mark.parametrize("image", [LARGE, BAD])
def test_one_that_overruns_is_answered_in_time_and_keeps_other_large_ones_away(
    served: Served, model: Slow, others: ThreadPoolExecutor, image: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    asked = begun(model, others, served, image, ms=600)
    assert (asked.result().status_code, asked.result().json()["error"][:19]) == (504, "the deadline passed")
    assert ready(served) == (503, "a photo takes too long to decode")
    assert served.client.get("/v2/health/live").status_code == 200
    assert not served.app.scheduler.hangs, "or the keeper would end the process"
    refused = post(served, LARGE)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert refused.json() == {"error": "another photo takes too long to decode"}
    assert post(served, SMALL).status_code == 200
    assert served.app.budget.held == len(image), "which is here as long as its decoder needs it"
    model.go.release()
    wait_for(lambda: is_ready(served))
    assert served.app.budget.held == 0
    asked = begun(model, others, served, LARGE)
    model.go.release()
    assert asked.result().status_code == 200
    assert not caplog.records


def test_one_that_surely_takes_longer_than_there_is_time_is_refused_for_good(served: Served, model: Slow) -> None:
    refused = post(served, SLOW, ms=1000)
    assert (refused.status_code, "Retry-After" in refused.headers) == (422, False)
    assert refused.json()["error"].startswith("it takes about 30.0 s to decode, longer than the 1.0 s that there are")
    assert not model.decoded


def test_a_deadline_that_is_too_short_for_anything_is_not_the_photo_s_fault(served: Served, model: Slow) -> None:
    SECONDS[b"LargFair"] = 0.2
    try:
        assert post(served, b"LargFair", ms=50).status_code == 504
    finally:
        model.go.release()
        wait_for(lambda: is_ready(served))
        del SECONDS[b"LargFair"]


def test_who_would_wait_too_long_for_the_turn_is_told_when_to_come_back(
    served: Served, model: Slow, others: ThreadPoolExecutor
) -> None:
    asked = begun(model, others, served, LARGE)
    refused = post(served, LARGE, ms=700)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert refused.json() == {"error": "other large photos are being decoded"}
    model.go.release()
    assert asked.result().status_code == 200


def test_only_so_many_wait(
    served: Served, model: Slow, others: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING", 2)
    asked = [begun(model, others, served, LARGE), others.submit(post, served, LARGE)]

    def two() -> None:
        waiting_are(served, 2)

    wait_for(two)
    assert post(served, LARGE).status_code == 503
    for _ in range(2):
        model.go.release()
    assert [each.result().status_code for each in asked] == [200, 200]


@pytest.mark.parametrize("photos", [1, 3])
def test_people_wait_for_no_batch_job_but_the_photo_that_is_decoded(
    served: Served, model: Slow, others: ThreadPoolExecutor, photos: int
) -> None:
    jobs = [others.submit(post, served, *[LARGE] * photos, priority=2) for _ in range(module.WAITING)]
    wait_for(lambda: waiting_are(served, module.WAITING))
    assert model.decoding.acquire(timeout=10)
    refused = post(served, LARGE, priority=2)
    assert (refused.status_code, refused.json()) == (503, {"error": "other large photos are being decoded"})
    person = others.submit(post, served, PERSON, ms=5_000)
    wait_for(lambda: waiting_are(served, module.WAITING + 1))
    for _ in range(2):
        model.go.release()
    assert person.result().status_code == 200
    assert model.decoded == [LARGE, PERSON]
    for _ in range(photos * module.WAITING):
        model.go.release()
    assert [job.result().status_code for job in jobs] == [200] * module.WAITING
    wait_for(lambda: waiting_are(served, 0))


def test_people_do_wait_for_people(served: Served, model: Slow, others: ThreadPoolExecutor) -> None:
    asked = [begun(model, others, served, LARGE), others.submit(post, served, LARGE)]
    wait_for(lambda: waiting_are(served, 2))
    assert post(served, LARGE, ms=1200).status_code == 503
    for _ in range(2):
        model.go.release()
    assert [each.result().status_code for each in asked] == [200, 200]


@pytest.mark.parametrize("first", [True, False], ids=["decoded", "waiting"])
def test_who_vanishes_leaves_the_turn_to_others(
    served: Served, model: Slow, others: ThreadPoolExecutor, *, first: bool
) -> None:
    stays = None if first else begun(model, others, served, LARGE)
    body, length = binary_request([LARGE])
    head = (
        f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nInference-Header-Content-Length: {length}"
    )
    with closing(Client(served.address[1])) as client:
        client.send(f"{head}\r\n\r\n".encode() + body)
        if first:
            assert model.decoding.acquire(timeout=10)
        wait_for(lambda: waiting_are(served, 1 if first else 2))
    wait_for(lambda: abandoned(served))
    model.go.release()
    wait_for(lambda: waiting_are(served, 0))
    assert stays is None or stays.result().status_code == 200
    asked = begun(model, others, served, LARGE)
    model.go.release()
    assert asked.result().status_code == 200
    assert served.app.budget.held == 0


def waiting_are(served: Served, count: int) -> None:
    assert sum(served.app._infer._large._waiting) == count


def abandoned(served: Served) -> None:
    assert 'refusals_total{reason="abandoned"}' in served.client.get("/metrics").text


def test_the_server_ends_although_a_decoder_does_not(served: Served, model: Slow, others: ThreadPoolExecutor) -> None:
    begun(model, others, served, LARGE, ms=600).result()
    [decoder] = [thread for thread in threading.enumerate() if thread.name == "large photo"]
    assert decoder.daemon


def test_without_a_thread_for_it_the_turn_goes_on(served: Served, model: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoThread(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(module, "Thread", NoThread)
        assert [post(served, LARGE).status_code for _ in range(2)] == [503, 503]
    model.go.release()
    assert post(served, LARGE).status_code == 200
