"""A predictor written by hand, beside the real ones: it answers at once, or raises what it was told to."""

from webapp.clock import utc_now
from webapp.predictor import Label, Model, Photo, Prediction, PredictionError


class FakePredictor:
    """Sees a cat in everything."""

    def __init__(self, error: PredictionError | None = None) -> None:
        self.error = error
        self.asked: list[int | None] = []

    def predict(self, photo: Photo) -> Prediction:
        self.asked.append(photo.id)
        if self.error is not None:
            raise self.error
        photo_input = photo.read()
        return Prediction(
            photo_id=photo.id,
            photo_version=photo_input.version,
            labels=tuple(Label(f"cat {rank}", 0.5 / rank) for rank in range(1, 6)),
            model_name="fake",
            model_version="1",
            input_read_at=photo_input.read_at,
            predicted_at=utc_now(),
            source="live",
        )

    def ready(self) -> Model:
        if self.error is not None:
            raise self.error
        return Model("fake", "1", "none")

    def close(self) -> None:
        pass
