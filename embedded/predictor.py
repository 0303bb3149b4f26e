"""Answers from a model in the same process."""

from threading import Lock

from vision.classifier import Classifier
from vision.errors import ModelError, UnreadableImage
from webapp.clock import utc_now
from webapp.predictor import Label, Model, Photo, Prediction, PredictorUnavailable, UnreadablePhoto
from webapp.timing import record, stage


class EmbeddedPredictor:
    """Reads the photo, decodes and classifies it on the thread that serves the request."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        # One inference at a time in each worker: two on one core would make both of them late.
        self._turn = Lock()

    def predict(self, photo: Photo) -> Prediction:
        """Classify the photo's current bytes; raises UnknownPhoto, UnreadablePhoto, PredictorUnavailable."""
        photo_input = photo.read()
        with stage("queue"):
            self._turn.acquire()
        try:
            classified = self._classifier.classify([photo_input.content])
        except ModelError as error:
            raise PredictorUnavailable("The model failed.") from error
        finally:
            self._turn.release()
        record("decode", classified.decode_seconds)
        record("infer", classified.infer_seconds)
        [answer] = classified.answers
        if isinstance(answer, UnreadableImage):
            raise UnreadablePhoto(str(answer)) from answer
        return Prediction(
            photo_id=photo.id,
            photo_version=photo_input.version,
            labels=tuple(Label(score.label, score.score) for score in answer),
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
