"""The predictor against servers of any kind: what it asks first, what it sends, and what it makes of errors."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from imaging.turns import turn
from model_as_service.predictor import RemotePredictor
from tests.unit.imaging import bombs
from webapp.clock import utc_now
from webapp.predictor import Photo, PhotoInput, PredictorUnavailable, UnreadablePhoto

MODEL = "/v2/models/efficientnet-lite"
ANSWER = {
    "model_name": "efficientnet-lite",
    "model_version": "3",
    "outputs": [
        {"name": "label", "datatype": "BYTES", "shape": [1, 2], "data": ["cat", "dog"]},
        {"name": "score", "datatype": "FP32", "shape": [1, 2], "data": [0.5, 0.25]},
    ],
}


class Server:
    """Answers each path with what stands here; a body that is bytes goes as it is."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {
            "/v2": (200, {"name": "s", "version": "1", "extensions": ["binary_tensor_data"]}),
            MODEL: (200, {"name": "efficientnet-lite", "platform": "", "inputs": [], "outputs": []}),
            f"{MODEL}/infer": (200, ANSWER),
        }
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked]


@contextmanager
def serving(server: Server) -> Iterator[RemotePredictor]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            server.asked.append((self.path, {name.lower(): each for name, each in self.headers.items()}, body))
            status, answer = server.answers[self.path]
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**server.headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - the name is the method's

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    predictor = RemotePredictor(f"http://127.0.0.1:{http.server_address[1]}/", deadline_seconds=5)
    try:
        yield predictor
    finally:
        predictor.close()
        http.shutdown()
        http.server_close()
        thread.join()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def predictor(server: Server) -> Iterator[RemotePredictor]:
    with serving(server) as predictor:
        yield predictor


def photo(content: bytes) -> Photo:
    return Photo(None, lambda: PhotoInput(content, None, utc_now()))


SMALL = bombs.png(8, 8)
PHOTO = photo(SMALL)


def test_what_is_agreed_is_kept(server: Server, predictor: RemotePredictor) -> None:
    for _ in range(2):
        prediction = predictor.predict(PHOTO)
    assert server.paths == ["/v2", MODEL, f"{MODEL}/infer", f"{MODEL}/infer"]
    assert [(label.label, label.score) for label in prediction.labels] == [("cat", 0.5), ("dog", 0.25)]
    assert (prediction.model_name, prediction.model_version) == ("efficientnet-lite", "3")


@pytest.mark.parametrize(("extensions", "binary"), [(["binary_tensor_data"], True), ([], False)])
def test_bytes_where_they_are_understood_else_json(
    server: Server, predictor: RemotePredictor, extensions: list[str], *, binary: bool
) -> None:
    server.answers["/v2"] = (200, {"extensions": extensions})
    predictor.predict(PHOTO)
    _, headers, body = server.asked[-1]
    assert ("inference-header-content-length" in headers) == binary
    assert (SMALL in body) == binary


def test_the_server_is_told_how_much_time_is_left(server: Server, predictor: RemotePredictor) -> None:
    predictor.predict(PHOTO)
    assert 1000 < int(server.asked[-1][1]["x-request-timeout-ms"]) <= 5000


def test_a_large_photo_is_given_more_time(server: Server, predictor: RemotePredictor) -> None:
    predictor.predict(photo(bombs.png(5000, 4000)))
    assert int(server.asked[-1][1]["x-request-timeout-ms"]) > 5000


def test_what_costs_too_much_is_not_sent(server: Server, predictor: RemotePredictor) -> None:
    with pytest.raises(UnreadablePhoto, match="too long to decode"):
        predictor.predict(photo(bombs.webp(7000, 7100)))
    assert not server.asked


def test_large_photos_hold_one_web_thread_at_a_time(server: Server, predictor: RemotePredictor) -> None:
    predictor._deadline = 0.0
    with turn(), pytest.raises(PredictorUnavailable, match="another large photo"):
        predictor.predict(photo(bombs.png(2200, 2200)))
    assert not server.asked


def test_a_server_that_is_not_ready_to_agree_is_asked_again(server: Server, predictor: RemotePredictor) -> None:
    right, server.answers["/v2"] = server.answers["/v2"], (503, {"error": "starting"})
    server.headers["Retry-After"] = "7"
    with pytest.raises(PredictorUnavailable, match="503: starting") as caught:
        predictor.predict(PHOTO)
    assert caught.value.retry_after == 7
    server.answers["/v2"] = right
    assert predictor.predict(PHOTO).labels


def test_a_model_of_another_kind_is_not_asked(server: Server, predictor: RemotePredictor) -> None:
    server.answers[MODEL] = (200, {"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1]}]})
    with pytest.raises(PredictorUnavailable, match="cannot be asked: its model has no image: x FP32"):
        predictor.predict(PHOTO)
    assert f"{MODEL}/infer" not in server.paths


@pytest.mark.parametrize("status", [400, 422])
def test_a_photo_that_is_refused_in_words(server: Server, predictor: RemotePredictor, status: int) -> None:
    server.answers[f"{MODEL}/infer"] = (status, {"error": "not an image"})
    with pytest.raises(UnreadablePhoto, match=r"^not an image$"):
        predictor.predict(PHOTO)


def test_after_a_bad_request_it_agrees_anew(server: Server, predictor: RemotePredictor) -> None:
    predictor.predict(PHOTO)
    server.answers |= {"/v2": (200, {"extensions": []}), f"{MODEL}/infer": (400, {"error": "what is that?"})}
    with pytest.raises(UnreadablePhoto):
        predictor.predict(PHOTO)
    server.answers[f"{MODEL}/infer"] = (200, ANSWER)
    predictor.predict(PHOTO)
    assert "inference-header-content-length" not in server.asked[-1][1]


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (500, {"error": "a bug"}, "500: a bug"),
        (500, b"Internal Server Error", "500: without words"),
        (422, {"detail": [{"loc": ["body"]}]}, "422: without words"),
        (400, b"", "400: without words"),
        (404, {"error": "no such model"}, "404: no such model"),
        (503, {"error": 5}, "503: without words"),
        (200, b"<html>", "cannot be understood: it sent no JSON"),
        (200, {}, "cannot be understood: its answer has no labels"),
        (200, {"outputs": ANSWER["outputs"][:1]}, "cannot be understood: its answer has no labels"),
    ],
)
def test_whatever_else_it_says_it_is_unavailable(
    server: Server, predictor: RemotePredictor, status: int, body: object, words: str
) -> None:
    server.answers[f"{MODEL}/infer"] = (status, body)
    with pytest.raises(PredictorUnavailable, match=words):
        predictor.predict(PHOTO)


def test_ready_names_the_version_as_far_as_it_is_known(server: Server, predictor: RemotePredictor) -> None:
    assert (predictor.ready().version, predictor.ready().provider) == ("unknown", "unknown")
    predictor.predict(PHOTO)
    assert predictor.ready().version == "3"
    server.answers[MODEL] = (200, {"name": "m", "versions": ["1", "4"], "parameters": {"provider": "CPU"}})
    model = predictor.ready()
    assert (model.name, model.version, model.provider) == ("m", "4", "CPU")


def test_not_ready(server: Server, predictor: RemotePredictor) -> None:
    server.answers[MODEL] = (404, {"error": "no such model"})
    with pytest.raises(PredictorUnavailable, match="no such model"):
        predictor.ready()
