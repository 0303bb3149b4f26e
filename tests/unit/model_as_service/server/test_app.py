"""The application as a whole: what takes the hot path, and what a swap of versions means for the requests around it."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from model_as_service.server.app import _target
from tests.processes import wait_for
from tests.unit.model_as_service.server.fakes import FakeModel, loaded
from tests.unit.model_as_service.server.messages import json_request
from tests.unit.model_as_service.server.served import Served

INFER = "/v2/models/fake/infer"


def test_what_runs_and_what_waits_keeps_its_version_through_a_swap() -> None:
    old = FakeModel(version="1")
    body, _ = json_request([b"a"])
    with Served(loaded(old)) as served, ThreadPoolExecutor(3) as clients:
        old.held = True
        running = clients.submit(served.client.post, INFER, content=body)
        assert old.begun.acquire(timeout=10)
        waiting = clients.submit(served.client.post, INFER, content=body)
        wait_for(lambda: 1 // served.app.scheduler.depth, (ZeroDivisionError,))

        async def swap() -> None:
            served.app.repository._served["fake"] = {"2": loaded(FakeModel(version="2"))}

        served.on_loop(swap())
        after = clients.submit(served.client.post, INFER, content=body)
        old.let_go()
        assert [answer.result().json()["model_version"] for answer in (running, waiting)] == ["1", "1"]
        assert after.result().json()["model_version"] == "2"
        assert served.client.post("/v2/models/fake/versions/1/infer", content=body).status_code == 404


def test_an_unloaded_version_is_gone_with_its_last_answer() -> None:
    model = FakeModel()
    gone = weakref.ref(model)
    body, _ = json_request([b"a"])
    with Served(loaded(model)) as served:
        del model
        assert served.client.post(INFER, content=body).status_code == 200
        served.on_loop(served.app.repository.unload("fake"))

        def forgotten() -> None:
            gc.collect()
            assert gone() is None

        wait_for(forgotten, seconds=5)


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("POST", "/v2/models/m/infer", ("m", None)),
        ("POST", "/v2/models/m/versions/1/infer", ("m", "1")),
        ("GET", "/v2/models/m/infer", None),
        ("POST", "/v2/models/m", None),
        ("POST", "/v2/models/m/infer/", None),
        ("POST", "/v2/models/a/b/infer", None),
    ],
)
def test_only_inference_is_on_the_hot_path(method: str, path: str, target: tuple[str, str | None] | None) -> None:
    assert _target(method, path) == target
