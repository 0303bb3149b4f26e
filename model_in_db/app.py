"""model_in_db, put together. gunicorn calls `create` in each worker, after the fork."""

from flask import Flask

from model_in_db.predictor import StoredPredictor
from webapp.factory import create_app
from webapp.photos import PhotoStore
from webapp.settings import Settings


def create() -> Flask:
    """Build the application from the environment."""
    photos = PhotoStore.open(Settings.from_env())
    predictor = StoredPredictor(photos.database)
    return create_app(photos, predictor)
