"""The inference server's routes around a runner that is full, hangs or breaks; over the real ASGI application."""

import json
import threading
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from model_as_service.protocol import HEADER_LENGTH
from model_as_service.runner import Runner
from model_as_service.server import create
from tests.unit.model_as_service.test_protocol import binary_request, json_request
from vision.classifier import Classified, Classifier

INFER = "/v2/models/efficientnet-lite/infer"


class Stuck:
    """A classifier that waits until it is let go."""

    name, version, provider, sha256 = "efficientnet-lite", "1", "none", ""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def classify(self, _images: list[bytes]) -> Classified:
        self.begun.set()
        assert self.go.wait(10)
        raise RuntimeError("a bug with a secret in it")


@pytest.fixture(scope="module")
def client(models) -> Iterator[TestClient]:
    with TestClient(create(Runner(lambda: Classifier.load(models, "1"), capacity=4))) as client:
        yield client


def post(client: TestClient, body: bytes, length: str | None = None):
    return client.post(INFER, content=body, headers={HEADER_LENGTH: length} if length else {})


def test_health_and_metadata(client: TestClient) -> None:
    assert client.get("/v2/health/live").status_code == client.get("/v2/health/ready").status_code == 200
    assert "binary_tensor_data" in client.get("/v2").json()["extensions"]
    metadata = client.get("/v2/models/efficientnet-lite").json()
    assert (metadata["versions"], metadata["inputs"][0]["datatype"]) == (["1"], "BYTES")
    for path in ("", "/versions/1"):
        assert client.get(f"/v2/models/efficientnet-lite{path}/ready").json()["ready"] is True


def test_json_and_binary_give_the_same_answer_with_and_without_version(client: TestClient, jpeg: bytes) -> None:
    binary = post(client, *binary_request([jpeg])).json()
    text = client.post("/v2/models/efficientnet-lite/versions/1/infer", content=json_request([jpeg])).json()
    assert binary == text
    labels = next(output["data"] for output in binary["outputs"] if output["name"] == "label")
    assert labels[0] == "espresso"


def test_the_stages_come_with_the_answer(client: TestClient, jpeg: bytes) -> None:
    timing = post(client, *binary_request([jpeg])).headers["Server-Timing"]
    assert [stage.split(";")[0] for stage in timing.split(", ")] == ["queue", "decode", "infer"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v2/models/other", 404),
        ("GET", "/v2/models/efficientnet-lite/versions/9", 404),
        ("POST", "/v2/models/other/infer", 404),
        ("GET", INFER, 405),
        ("POST", INFER, 400),
    ],
)
def test_every_error_is_an_error_object(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert isinstance(answer.json()["error"], str)


def test_an_unreadable_image_is_422_and_named(client: TestClient, jpeg: bytes) -> None:
    answer = post(client, *binary_request([jpeg, b"text"]))
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("image 1: ")


def test_a_body_without_end_is_cut_off(client: TestClient) -> None:
    answer = client.post(INFER, content=(bytes(1024 * 1024) for _ in range(60)))
    assert answer.status_code == 413


def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(jpeg: bytes) -> None:
    stuck = Stuck()
    app = create(Runner(lambda: stuck, capacity=1))  # type: ignore[arg-type,return-value]
    with TestClient(app, raise_server_exceptions=False) as client:
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(post(client, *binary_request([jpeg]))))
        waiting.start()
        assert stuck.begun.wait(10)
        refused = post(client, *binary_request([jpeg]))
        assert (refused.status_code, int(refused.headers["Retry-After"]) >= 1) == (503, True)
        assert client.get("/v2/health/live").status_code == 200, "the event loop is free while the model is stuck"
        stuck.go.set()
        waiting.join(10)
    assert answers[0].status_code == 500
    assert "secret" not in json.dumps(answers[0].json())
