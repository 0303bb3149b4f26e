"""model_as_service, put together. gunicorn calls `create` in each worker, after the fork."""

import os

from flask import Flask

from model_as_service.predictor import RemotePredictor
from webapp.factory import create_app
from webapp.photos import PhotoStore
from webapp.settings import Settings, required


def create() -> Flask:
    """Build the application from the environment."""
    photos = PhotoStore.open(Settings.from_env())
    deadline_ms = float(os.environ.get("SWEETSPOT_DEADLINE_MS", "300"))
    predictor = RemotePredictor(required("SWEETSPOT_INFERENCE_URL"), deadline_seconds=deadline_ms / 1e3)
    return create_app(photos, predictor)
