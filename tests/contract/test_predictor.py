"""One contract for all predictors: the fake, and the three real ones with a real model behind each.

The remote one also has to fulfil it with inference servers of others, `mlserver` and `kserve`, in environments of their
own: `make test-peers` installs them and runs these tests; without them they are skipped.
"""

import contextlib
import functools
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path

import pytest

from bench.peers import environment
from bench.peers.peer import find
from bench.peers.running import up
from embedded.predictor import EmbeddedPredictor
from model_as_service.predictor import RemotePredictor
from model_in_db import scoring
from model_in_db.predictor import StoredPredictor
from tests.conftest import ROOT
from tests.fakes import FakePredictor
from tests.processes import free_port, wait_for
from vision.classifier import Classifier
from vision.releases import NAME
from webapp.clock import utc_now
from webapp.images import check_image
from webapp.photos import PhotoStore
from webapp.predictor import (
    Photo,
    PhotoInput,
    Prediction,
    Predictor,
    PredictorUnavailable,
    UnknownPhoto,
    UnreadablePhoto,
)

Ask = Callable[[int], Prediction]
PEERS = ("mlserver", "kserve")


@pytest.fixture(scope="session")
def inference_server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    live = tmp_path_factory.mktemp("live") / "live"
    live.write_text("1\n")
    port = free_port()
    command = [sys.executable, "-m", "model_as_service.server", "--models", models, "--live", live, "--port", str(port)]
    with subprocess.Popen([*map(str, command)], cwd=ROOT) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(lambda: urllib.request.urlopen(f"{url}/v2/health/ready"), (urllib.error.URLError,), process)
            yield url
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def peer(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Start an inference server of others when it is first asked for; returns its address."""
    with contextlib.ExitStack() as running:

        @functools.cache
        def start(name: str) -> str:
            [found] = find([name])
            if not environment.ready(found):
                missing = f"{found.title} is not installed: run `make test-peers`"
                (pytest.fail if "SWEETSPOT_TEST_PEERS" in os.environ else pytest.skip)(missing)
            logs = tmp_path_factory.mktemp(name)
            return running.enter_context(up(found, model=NAME, logs=logs, models=models)).base_url

        yield start


@pytest.fixture(params=["fake", "embedded", "stored", "remote", *PEERS])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def predictor(kind: str, request: pytest.FixtureRequest, store: PhotoStore) -> Iterator[Predictor]:
    def remote(url: str) -> RemotePredictor:
        return RemotePredictor(url, deadline_seconds=5)

    predictor: Predictor = {
        "fake": FakePredictor,
        "embedded": lambda: EmbeddedPredictor(request.getfixturevalue("classifier")),
        "stored": lambda: StoredPredictor(store.database),
        "remote": lambda: remote(request.getfixturevalue("inference_server")),
        **{name: lambda name=name: remote(request.getfixturevalue("peer")(name)) for name in PEERS},
    }[kind]()
    yield predictor
    if kind != "embedded":  # its classifier is shared by the whole session
        predictor.close()


@pytest.fixture
def ask(kind: str, predictor: Predictor, store: PhotoStore, classifier: Classifier) -> Ask:
    """Ask about a stored photo, after the batch job has run where there is one."""

    def answer(photo_id: int) -> Prediction:
        if kind == "stored" and (draft := scoring.score(store, classifier)):
            scoring.publish(store.database.writer, draft)
        return predictor.predict(store.photo(photo_id))

    return answer


def test_five_labels_best_first_with_their_origin(ask: Ask, photo_id: int, predictor: Predictor) -> None:
    before = utc_now()
    prediction = ask(photo_id)
    scores = [label.score for label in prediction.labels]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)
    assert 0 < sum(scores) <= 1.35  # the fake's are no distribution
    assert (prediction.photo_id, prediction.photo_version) == (photo_id, 1)
    assert before <= prediction.input_read_at <= prediction.predicted_at <= utc_now()
    assert prediction.predicted_at.tzinfo is UTC
    model = predictor.ready()
    assert (prediction.model_name, prediction.model_version) == (model.name, model.version)


def test_the_source_says_whether_the_answer_was_made_now(ask: Ask, photo_id: int, kind: str) -> None:
    assert ask(photo_id).source == ("stored" if kind == "stored" else "live")


def test_a_replaced_photo_is_answered_for_under_its_new_version(
    ask: Ask, store: PhotoStore, photo_id: int, other_jpeg: bytes, kind: str
) -> None:
    first = ask(photo_id)
    store.replace(photo_id, check_image(other_jpeg))
    second = ask(photo_id)
    assert second.photo_version == 2
    assert second.input_read_at > first.input_read_at
    if kind != "fake":
        assert first.labels[0].label == "espresso"
        assert second.labels[0].label in {"tabby cat", "tiger cat", "Egyptian Mau"}


def test_an_unknown_photo(ask: Ask) -> None:
    with pytest.raises(UnknownPhoto):
        ask(4711)


def test_a_photo_that_the_model_cannot_read(ask: Ask, store: PhotoStore, photo_id: int, jpeg: bytes, kind: str) -> None:
    if kind == "fake":
        return  # it looks at nothing
    store.path(store.get(photo_id)).write_bytes(jpeg[: len(jpeg) // 2])
    with pytest.raises(UnreadablePhoto, match=r"\w"):
        ask(photo_id)


def test_bytes_that_are_stored_nowhere(predictor: Predictor, jpeg: bytes, kind: str) -> None:
    read_at = utc_now()
    photo = Photo(None, lambda: PhotoInput(jpeg, None, read_at))
    if kind == "stored":
        with pytest.raises(UnknownPhoto, match="computed ahead of time"):
            predictor.predict(photo)
        return
    prediction = predictor.predict(photo)
    assert (prediction.photo_id, prediction.photo_version, prediction.input_read_at) == (None, None, read_at)


def test_all_real_predictors_give_the_same_answer(
    ask: Ask, photo_id: int, kind: str, classifier: Classifier, jpeg: bytes
) -> None:
    if kind == "fake":
        return
    [expected] = classifier.classify([jpeg]).answers
    answer = ask(photo_id)
    assert [label.label for label in answer.labels] == [score.label for score in expected]  # type: ignore[union-attr]
    for label, score in zip(answer.labels, expected, strict=True):  # type: ignore[arg-type]
        assert label.score == pytest.approx(score.score, abs=1e-5)


def test_a_server_that_is_down_is_unavailable(store: PhotoStore, photo_id: int) -> None:
    predictor = RemotePredictor(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(PredictorUnavailable, match="does not answer"):
        predictor.predict(store.photo(photo_id))
    with pytest.raises(PredictorUnavailable):
        predictor.ready()


def test_an_empty_database_is_not_ready(store: PhotoStore) -> None:
    with pytest.raises(PredictorUnavailable, match="No predictions are published"):
        StoredPredictor(store.database).ready()
