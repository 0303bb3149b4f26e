"""Answers from a model in the same process."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic

from imaging.cost import judge
from imaging.errors import Busy, UnreadableImage
from vision.classifier import Classifier, Score
from vision.errors import ModelError
from vision.preprocess import Pixels
from webapp.clock import utc_now
from webapp.deadline import USUAL_S, allowed_s
from webapp.predictor import Label, Model, Photo, Prediction, PredictorUnavailable, UnreadablePhoto
from webapp.timing import stage


class EmbeddedPredictor:
    """Reads the photo, decodes and classifies it on the thread that serves the request, within a deadline."""

    def __init__(self, classifier: Classifier, deadline_seconds: float = USUAL_S) -> None:
        self._classifier = classifier
        self._deadline = deadline_seconds
        # One photo at a time in each worker: two on one core would make both of them late.
        self._model = Lock()
        self._took = 0.0  # the last one, in seconds: who could only begin when it is too late need not wait

    def predict(self, photo: Photo) -> Prediction:
        """Classify the photo's current bytes; raises UnknownPhoto, UnreadablePhoto, PredictorUnavailable."""
        begun = monotonic()
        photo_input = photo.read()
        try:
            scores = self._classify(photo_input.content, begun)
        except UnreadableImage as error:
            raise UnreadablePhoto(str(error)) from error
        except Busy as error:
            raise PredictorUnavailable(f"The model is busy: {error}.", retry_after=error.retry_after) from error
        except ModelError as error:
            raise PredictorUnavailable("The model failed.") from error
        return Prediction(
            photo_id=photo.id,
            photo_version=photo_input.version,
            labels=tuple(Label(score.label, score.score) for score in scores),
            model_name=self._classifier.name,
            model_version=self._classifier.version,
            input_read_at=photo_input.read_at,
            predicted_at=utc_now(),
            source="live",
        )

    def ready(self) -> Model:
        """Name the loaded model: a worker without one does not start."""
        return Model(self._classifier.name, self._classifier.version, self._classifier.provider)

    def close(self) -> None:
        """Give the model's memory back."""
        self._classifier.close()

    def _classify(self, encoded: bytes, begun: float) -> tuple[Score, ...]:
        cost = judge(encoded)
        by = begun + allowed_s(cost, self._deadline)
        if cost.large:  # decoded before its turn, so that all others go on being answered meanwhile
            pixels = self._decode(encoded, by)
            with self._turn(by):
                return self._infer(pixels)
        with self._turn(by):
            return self._infer(self._decode(encoded, by))

    @contextmanager
    def _turn(self, by: float) -> Iterator[None]:
        with stage("queue"):
            begins = self._model.acquire(timeout=max(0.0, by - self._took - monotonic()))
        if not begins:
            raise PredictorUnavailable("The model is busy, the answer would come too late; try again in a moment.")
        begun = monotonic()
        try:
            yield
        finally:
            self._took = monotonic() - begun
            self._model.release()

    def _decode(self, encoded: bytes, by: float) -> Pixels:
        with stage("decode"):
            return self._classifier.preprocess(encoded, by=by)

    def _infer(self, pixels: Pixels) -> tuple[Score, ...]:
        with stage("infer"):
            return self._classifier.top(self._classifier.infer(pixels[None])[0])
