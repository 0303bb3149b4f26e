"""model_as_service, put together. gunicorn calls `create` in each worker, after the fork."""

from flask import Flask

from model_as_service.predictor import RemotePredictor
from webapp.deadline import usual_s
from webapp.factory import create_app
from webapp.photos import PhotoStore
from webapp.settings import Settings, required


def create() -> Flask:
    """Build the application from the environment."""
    photos = PhotoStore.open(Settings.from_env())
    predictor = RemotePredictor(required("SWEETSPOT_INFERENCE_URL"), deadline_seconds=usual_s())
    return create_app(photos, predictor)
