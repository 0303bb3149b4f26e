"""Operations routes: alive (never asks the predictor), ready (does), metrics."""

from contextlib import suppress

from flask import Blueprint, Response

from imaging.turns import overruns
from webapp.metrics import Metrics
from webapp.photos import PhotoStore
from webapp.predictor import Predictor, PredictorUnavailable


def blueprint(photos: PhotoStore, predictor: Predictor, metrics: Metrics) -> Blueprint:
    """Return the routes for whoever runs the product."""
    routes = Blueprint("operations", __name__)

    @routes.get("/livez")
    def live() -> dict[str, bool]:
        return {"live": True}

    @routes.get("/readyz")
    def ready() -> dict[str, object]:
        if overruns():
            raise PredictorUnavailable("A photo takes too long to decode.")
        photos.ping()
        model = predictor.ready()
        return {"ready": True, "model": {"name": model.name, "version": model.version, "provider": model.provider}}

    @routes.get("/metrics")
    def prometheus() -> Response:
        # The metrics of a product without its model are the ones that are needed most.
        with suppress(PredictorUnavailable):
            metrics.model(predictor.ready())
        return Response(metrics.text(), content_type="text/plain; version=0.0.4; charset=utf-8")

    return routes
