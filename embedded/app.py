"""embedded, put together. gunicorn calls `create` in each worker, after the fork."""

from pathlib import Path

from flask import Flask

from embedded.predictor import EmbeddedPredictor
from vision.classifier import Classifier
from vision.live import read_live
from webapp.deadline import usual_s
from webapp.factory import create_app
from webapp.photos import PhotoStore
from webapp.settings import Settings, required


def create() -> Flask:
    """Build the application from the environment."""
    photos = PhotoStore.open(Settings.from_env())
    version = read_live(Path(required("SWEETSPOT_LIVE")))
    predictor = EmbeddedPredictor(Classifier.load(Path(required("SWEETSPOT_MODELS")), version), usual_s())
    return create_app(photos, predictor)
