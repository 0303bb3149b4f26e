"""Everything but inference: what the protocol asks of the other routes, over the whole application."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_as_service.server import running
from model_as_service.server import scheduler as scheduling
from tests.processes import wait_for
from tests.unit.model_as_service.server.fakes import FakeModel, loaded
from tests.unit.model_as_service.server.messages import binary_request, with_length
from tests.unit.model_as_service.server.served import Served
from vision.errors import ModelError

FAKE = "/v2/models/fake"


@pytest.fixture(scope="module")
def two() -> Iterator[Served]:
    """Two versions of one model; the last is the default. The repository may be changed."""
    with Served(loaded(FakeModel(version="2")), loaded(FakeModel(version="1")), repository=True) as served:
        yield served


def infer(served: Served, *images: bytes, path: str = FAKE) -> int:
    body, length = binary_request(images)
    return served.client.post(f"{path}/infer", content=body, headers=with_length(length)).status_code


def get(served: Served, path: str) -> dict[str, object]:
    answer = served.client.get(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    return answer.json()  # type: ignore[no-any-return]


def test_health(served: Served) -> None:
    assert get(served, "/v2/health/live") == {"live": True}
    assert get(served, "/v2/health/ready") == {"ready": True, "live": True}


@pytest.mark.parametrize(
    "path",
    [
        *("/v2/health/live", "/v2/health/ready", "/v2", "/v2/", "/v2/models/stats", "/metrics", FAKE, FAKE + "/ready"),
        *(FAKE + "/stats", FAKE + "/versions/1", FAKE + "/versions/1/ready", FAKE + "/versions/1/stats"),
        *("/nothing", FAKE + "/infer", FAKE + "/versions/9", "/v2/repository/index"),
    ],
)
def test_head_says_what_get_would_and_sends_no_body(served: Served, path: str) -> None:
    got, head = served.client.get(path), served.client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["Content-Type"] == got.headers["Content-Type"]
    if path != "/metrics":  # whose text is never the same
        assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert served.client.get("/v2/health/live").status_code == 200, "and the connection goes on"


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_the_server_says_what_it_can(served: Served, two: Served, path: str) -> None:
    extensions = ["binary_tensor_data", "classification", "schedule_policy", "statistics"]
    assert get(served, path) == {"name": "sweetspot", "version": "1", "extensions": extensions}
    assert get(two, path)["extensions"] == sorted([*extensions, "model_repository"])


@pytest.mark.parametrize(("path", "version"), [("", "1"), ("/versions/1", "1"), ("/versions/2", "2")])
def test_metadata(two: Served, path: str, version: str) -> None:
    document = get(two, FAKE + path)
    assert {key: document[key] for key in ("name", "versions", "platform")} == {
        "name": "fake", "versions": ["2", "1"], "platform": "onnx_onnxv1",
    }  # fmt: skip
    assert document["inputs"] == [{"name": "image", "datatype": "BYTES", "shape": [-1]}]
    assert [output["name"] for output in document["outputs"]] == ["label", "score", "index", "probabilities"]  # type: ignore[attr-defined]
    assert document["parameters"] == {"version": version, "provider": "FakeProvider", "sha256": "0" * 64}
    assert get(two, f"{FAKE}{path}/ready") == {"name": "fake", "ready": True}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v2/models/other", 404),
        ("GET", "/v2/models/other/ready", 404),
        ("GET", "/v2/models/other/stats", 404),
        ("GET", FAKE + "/versions/9", 404),
        ("GET", FAKE + "/versions/9/ready", 404),
        ("GET", FAKE + "/versions/9/stats", 404),
        ("GET", FAKE + "/infer", 405),
        ("POST", "/v2/health/live", 405),
        ("POST", "/v2/repository/models/fake/load", 403),
        ("POST", "/v2/repository/models/fake/unload", 403),
    ],
)
def test_every_error_is_an_error_object(served: Served, method: str, path: str, status: int) -> None:
    answer = served.client.request(method, path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json")
    assert list(answer.json()) == ["error"]
    assert isinstance(answer.json()["error"], str)


def test_a_bug_is_an_error_object_without_details(
    two: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(two.app.repository, "index", lambda: 1 / 0)
    answer = two.client.post("/v2/repository/index")
    assert (answer.status_code, answer.json()) == (500, {"error": "something went wrong here; it has been logged"})

    def logged() -> None:
        assert "ZeroDivisionError" in caplog.text

    wait_for(logged)


def test_what_is_off_is_said(served: Served) -> None:
    answer = served.client.post("/v2/repository/models/fake/unload")
    assert "--repository" in answer.json()["error"]
    assert infer(served, b"a") == 200


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"parameters": []}', b'{"parameters": 1}', b"\xff"])
def test_a_change_must_be_an_object(two: Served, body: bytes) -> None:
    for change in ("load", "unload"):
        answer = two.client.post(f"/v2/repository/models/fake/{change}", content=body)
        assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert infer(two, b"a") == 200


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"file:1/model.onnx": "AAAA"}, "takes no parameter 'file:1/model.onnx'"),
        ({"config": "{"}, "config must be like"),
        ({"config": 3}, "config must be like"),
        ({"config": {}}, "config must be like"),
        ({"config": "[]"}, "config must be like"),
        ({"config": '{"version_policy": {"specific": {"versions": ["x"]}}}'}, "config must be like"),
        ({"config": '{"version_policy": {"specific": {"versions": 1}}}'}, "config must be like"),
        ({"config": '{"version_policy": {"specific": {"versions": "12"}}}'}, "config must be like"),
        ({"config": '{"version_policy": {"specific": {"versions": [true]}}}'}, "config must be like"),
        ({"config": '{"version_policy": {"specific": {"versions": {}}}}'}, "config must be like"),
        ({"config": '{"version_policy": {"specific": {"versions": {"1": 1}}}}'}, "config must be like"),
        ({"config": '{"version_policy": {"specific": {"versions": []}}}'}, "config must be like"),
        ({"config": '{"version_policy": {"specific": {"versions": null}}}'}, "config must be like"),
        ({"config": '{"version_policy": {"specific": {"versions": [1, null]}}}'}, "config must be like"),
        ({"config": '{"version_policy": {"specific": {"versions": [1.0]}}}'}, "config must be like"),
        ({"config": '{"version_policy": {"specific": {"versions": [-1]}}}'}, "config must be like"),
        ({"config": '{"version_policy": {"specific": {"versions": ["²"]}}}'}, "config must be like"),
        *(
            (
                {"config": f'{{"version_policy": {{"specific": {{"versions": ["{"9" * digits}"]}}}}}}'},
                "config must be like",
            )
            for digits in (20, 4300, 4301, 100_000)
        ),
        ({"config": f'{{"version_policy": {{"specific": {{"versions": [{"9" * 30}]}}}}}}'}, "config must be like"),
        ({"x" * 100_000: 1}, "takes no parameter 'xxx"),
        ({"config": '{"version_policy": {"specific": [1]}}'}, "config must be like"),
        ({"config": ""}, "config must be like"),
        ({"config": False}, "config must be like"),
        ({"config": '{"version_policy": {"latest": {"num_versions": 1}}}'}, "config must be like"),
    ],
)
def test_what_a_load_cannot_do_is_said(two: Served, parameters: dict[str, object], words: str) -> None:
    answer = two.client.post("/v2/repository/models/fake/load", json={"parameters": parameters})
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert len(answer.content) < 250


def test_a_document_of_many_parts_is_refused(two: Served) -> None:
    answer = two.client.post("/v2/repository/index", content=b"[" + b"[]," * 20_000 + b"0]")
    assert (answer.status_code, answer.json()) == (413, {"error": "the request has more than 10,000 parts"})


def test_loads_and_unloads_are_passed_on(two: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    async def load(name: str, numbers: list[str]) -> None:
        asked.append((name, numbers))
        if name == "broken":
            raise ModelError("it is broken")

    async def unload(name: str) -> None:
        asked.append(name)

    monkeypatch.setattr(two.app.repository, "load", load)
    monkeypatch.setattr(two.app.repository, "unload", unload)
    config = {"parameters": {"config": json.dumps({"version_policy": {"specific": {"versions": [1, 2]}}})}}
    post = two.client.post
    assert post("/v2/repository/models/fake/load").json() == {}
    assert post("/v2/repository/models/fake/load", json=config).json() == {}
    for nothing in ({"parameters": None}, {"parameters": {"config": None}}):
        assert post("/v2/repository/models/fake/load", json=nothing).json() == {}
    assert post("/v2/repository/models/fake/unload", json={"parameters": {"unload_dependents": True}}).json() == {}
    broken = post("/v2/repository/models/broken/load")
    assert (broken.status_code, broken.json()) == (400, {"error": "it is broken"})
    assert asked == [("fake", []), ("fake", ["1", "2"]), ("fake", []), ("fake", []), "fake", ("broken", [])]


@pytest.mark.parametrize(
    "path", ["models/{}", "models/{}/infer", "models/fake/versions/{}/ready", "repository/models/{}/load"]
)
def test_a_name_that_is_long_is_not_repeated_in_full(two: Served, path: str) -> None:
    answer = two.client.post(f"/v2/{path.format('x' * 30_000)}") if "ready" not in path else two.client.get(
        f"/v2/{path.format('x' * 30_000)}"
    )  # fmt: skip
    assert answer.status_code in {400, 404, 405}
    assert len(answer.content) < 200


@pytest.mark.parametrize("name", ["..", "%2e%2e", "..%2fetc", ".hidden", "a%00b", "x" * 65, "%F0%9F%90%88"])
def test_a_name_is_never_a_path(two: Served, name: str) -> None:
    answer = two.client.post(f"/v2/repository/models/{name}/load")
    assert answer.status_code in {400, 404}
    assert list(answer.json()) == ["error"]


def test_the_index_shows_all_or_what_is_ready(two: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    states = [
        {"name": "fake", "version": "1", "state": "READY"},
        {"name": "fake", "version": "2", "state": "UNAVAILABLE"},
    ]
    monkeypatch.setattr(two.app.repository, "index", lambda: states)
    index = "/v2/repository/index"
    assert two.client.post(index).json() == two.client.post(index, json={"ready": False}).json() == states
    assert two.client.post(index, json={"ready": True}).json() == states[:1]
    assert two.client.post(index, json={"ready": None}).json() == states
    wrong = two.client.post(index, json={"ready": "false"})
    assert (wrong.status_code, wrong.json()) == (400, {"error": "ready must be true or false"})


def test_statistics_count_what_was_asked_of_each_version() -> None:
    with Served(loaded(FakeModel(version="2")), loaded(FakeModel())) as served:
        assert infer(served, b"a", b"b", b"c") == 200
        assert infer(served, b"bad") == 422
        [stats] = get(served, FAKE + "/stats")["model_stats"]  # type: ignore[misc]
        [same] = get(served, FAKE + "/versions/1/stats")["model_stats"]  # type: ignore[misc]
        all_stats = get(served, "/v2/models/stats")["model_stats"]
    assert stats == same
    assert all_stats[1] == stats  # type: ignore[index]
    assert [(each["version"], each["inference_count"]) for each in all_stats] == [("2", 0), ("1", 4)]  # type: ignore[attr-defined]
    assert {key: stats["inference_stats"][key]["count"] for key in ("success", "fail", "queue")} == {
        "success": 1, "fail": 1, "queue": 1,
    }  # fmt: skip
    assert (stats["execution_count"], [each["batch_size"] for each in stats["batch_stats"]]) == (3, [1, 2])


def test_metrics(served: Served) -> None:
    assert infer(served, b"a") == 200
    answer = served.client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    for line in (
        'sweetspot_inference_requests_total{status="200"}',
        'sweetspot_inference_stage_seconds_count{stage="queue"}',
        "sweetspot_inference_batch_size_count",
        "sweetspot_inference_queue_depth 0.0",
        "sweetspot_inference_runner_healthy 1.0",
        'sweetspot_inference_model_load_seconds{model="fake",provider="FakeProvider",sha256="0',
    ):
        assert line in answer.text


def test_a_model_that_fails_is_not_ready_but_alive() -> None:
    model = FakeModel()
    model.broken = True
    with Served(loaded(model)) as served:
        assert [infer(served, b"a") for _ in range(scheduling.FAILURES)] == [500] * scheduling.FAILURES
        answer = served.client.get("/v2/health/ready")
        assert (answer.status_code, answer.json()) == (
            503,
            {"ready": False, "live": True, "error": "the model fails"},
        )
        assert served.client.get("/v2/health/live").status_code == 200
        assert "runner_healthy 0.0" in served.client.get("/metrics").text


def test_a_model_that_hangs_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FakeModel()
    with Served(loaded(model), deadline_s=0.05) as served:
        model.held = True
        assert infer(served, b"a") == 504
        monkeypatch.setattr(running, "HANG_S", 0.0)
        for route in ("live", "ready"):
            answer = served.client.get(f"/v2/health/{route}")
            assert (answer.status_code, answer.json()["error"]) == (503, "the model hangs")
        model.let_go()


def test_without_its_model_the_server_is_not_ready() -> None:
    with Served(loaded(FakeModel("other"))) as served:
        answer = served.client.get("/v2/health/ready")
        assert (answer.status_code, answer.json()["error"]) == (503, "fake is not loaded")
        assert infer(served, b"a") == 404
        assert infer(served, b"a", path="/v2/models/other") == 200


def test_an_unloaded_model_is_gone_and_the_server_not_ready() -> None:
    with Served(loaded(FakeModel()), repository=True, models=Path(__file__).parent) as served:
        unload = "/v2/repository/models/fake/unload"
        assert served.client.post(unload).status_code == 200
        assert infer(served, b"a") == 404
        assert served.client.post(unload).status_code == 404
        assert served.client.get("/v2/health/ready").status_code == 503


def test_a_server_that_is_about_to_end_says_so_and_serves_on() -> None:
    with Served(loaded(FakeModel())) as served:
        served.app.draining = True
        ready = served.client.get("/v2/health/ready")
        assert (ready.status_code, ready.json()["error"]) == (503, "the server is about to end")
        assert infer(served, b"a") == 200
        for path in ("/v2/health/live", "/metrics", "/nothing"):
            assert served.client.get(path).headers["Connection"] == "close"
        body, length = binary_request([b"a"])
        answer = served.client.post(f"{FAKE}/infer", content=body, headers=with_length(length))
        assert answer.headers["Connection"] == "close"
