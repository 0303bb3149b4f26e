"""embedded waits for its turn within the deadline, and a large photo lets all others go first."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from embedded.predictor import EmbeddedPredictor
from imaging.turns import turn
from tests.processes import wait_for
from tests.unit.imaging import bombs
from vision.classifier import Classifier
from webapp.clock import utc_now
from webapp.predictor import Photo, PhotoInput, PredictorUnavailable, UnreadablePhoto


def photo(content: bytes) -> Photo:
    return Photo(None, lambda: PhotoInput(content, None, utc_now()))


@pytest.fixture
def predictor(classifier: Classifier) -> EmbeddedPredictor:
    return EmbeddedPredictor(classifier, 0.2)


def test_who_would_wait_too_long_for_the_model_is_told_so(predictor: EmbeddedPredictor, jpeg: bytes) -> None:
    with predictor._model, pytest.raises(PredictorUnavailable, match="busy") as told:
        predictor.predict(photo(jpeg))
    assert told.value.retry_after >= 1
    assert predictor.predict(photo(jpeg)).labels


def test_a_model_that_was_slow_once_is_tried_again(predictor: EmbeddedPredictor, jpeg: bytes) -> None:
    predictor._took = 1000

    assert predictor.predict(photo(jpeg)).labels


def test_a_large_photo_is_decoded_before_it_takes_the_model(predictor: EmbeddedPredictor, jpeg: bytes) -> None:
    large = photo(bombs.png(3000, 3000))
    with ThreadPoolExecutor(1) as pool:
        with turn():  # another large photo is being read
            waiting = pool.submit(predictor.predict, large)
            for _ in range(5):
                assert predictor.predict(photo(jpeg)).labels
        wait_for(waiting.done, (), seconds=30)
    error = waiting.exception()
    assert error is None or isinstance(error, PredictorUnavailable)


def test_a_large_photo_whose_turn_does_not_come_is_told_so(predictor: EmbeddedPredictor) -> None:
    begun = threading.Event()

    def hold() -> None:
        with turn():
            begun.set()
            told.wait(60)

    told = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        begun.wait(60)
        try:
            with pytest.raises(PredictorUnavailable, match="another large photo"):
                predictor.predict(photo(bombs.png(3000, 3000)))
        finally:
            told.set()
        holding.result()


def test_what_costs_too_much_is_unreadable(predictor: EmbeddedPredictor) -> None:
    # Where the model is taken, which is not even asked for.
    with predictor._model, pytest.raises(UnreadablePhoto, match="too long to decode"):
        predictor.predict(photo(bombs.webp(7000, 7100)))
