"""The JSON API of predictions: what a stored photo shows, and what bytes show that are stored nowhere."""

from typing import Any

from flask import Blueprint, abort, g

from webapp.clock import rfc3339, utc_now
from webapp.photos import PhotoStore
from webapp.predictor import Photo, PhotoInput, Prediction, Predictor, UnknownPhoto
from webapp.uploads import read_body


def blueprint(photos: PhotoStore, predictor: Predictor) -> Blueprint:
    """Return the routes under /api that this predictor answers."""
    routes = Blueprint("prediction_api", __name__, url_prefix="/api")

    @routes.get("/photos/<photo_id:photo_id>/prediction")
    def get_prediction(photo_id: int) -> dict[str, Any]:
        return prediction_json(predictor.predict(photos.photo(photo_id)))

    @routes.post("/predictions")
    def predict() -> dict[str, Any]:
        photo_input = PhotoInput(read_body(), None, utc_now())
        try:
            prediction = predictor.predict(Photo(None, lambda: photo_input))
        except UnknownPhoto as error:
            g.outcome = "not offered"
            abort(501, str(error))
        return prediction_json(prediction)

    return routes


def prediction_json(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction as the contract writes it."""
    return {
        "photo_id": prediction.photo_id,
        "photo_version": prediction.photo_version,
        "labels": [{"label": label.label, "score": label.score} for label in prediction.labels],
        "model": {"name": prediction.model_name, "version": prediction.model_version},
        "input_read_at": rfc3339(prediction.input_read_at),
        "predicted_at": rfc3339(prediction.predicted_at),
        "source": prediction.source,
    }
