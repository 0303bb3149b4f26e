"""Builds the web application around a photo store and a predictor; each variant's `app.py` calls it once."""

from time import perf_counter

from flask import Flask, Response, g, request
from werkzeug.routing import IntegerConverter

from webapp import operations, pages, photo_api, prediction_api, problems, timing
from webapp.images import MAX_BYTES
from webapp.metrics import Metrics
from webapp.photos import PhotoStore
from webapp.predictor import Predictor
from webapp.ranges import RangedResponse

# Everything that a page needs comes from here, and no script does; nobody may frame a page, or guess at types.
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class PhotoId(IntegerConverter):
    """An id as we hand them out: at most as long as MAX_ID. Anything else is a path that does not exist."""

    regex = r"[1-9][0-9]{0,8}"


def create_app(photos: PhotoStore, predictor: Predictor) -> Flask:
    """Return the product as a WSGI application that answers with this predictor."""
    app = Flask(__name__)
    app.response_class = RangedResponse
    app.config["MAX_CONTENT_LENGTH"] = MAX_BYTES + 64 * 1024  # the image, and a form around it
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.converters["photo_id"] = PhotoId
    metrics = Metrics()
    app.register_blueprint(pages.blueprint(photos, predictor))
    app.register_blueprint(photo_api.blueprint(photos))
    app.register_blueprint(prediction_api.blueprint(photos, predictor))
    app.register_blueprint(operations.blueprint(photos, predictor, metrics))
    problems.install(app)
    for template in app.jinja_env.list_templates():
        app.jinja_env.get_template(template)  # compiled now, and not while the first visitor waits
    _measure(app, metrics)
    app.extensions["sweetspot"] = (predictor, photos)  # what is to be closed when a worker ends
    return app


def _measure(app: Flask, metrics: Metrics) -> None:
    """Time every request, send the stages with the answer and count them."""

    @app.before_request
    def start() -> None:
        g.start = perf_counter()
        g.stages = timing.begin()

    @app.after_request
    def finish(response: Response) -> Response:
        total = perf_counter() - g.start
        response.headers.extend(SECURITY)
        response.headers["Server-Timing"] = timing.server_timing(g.stages, total)
        metrics.observe(request, response.status_code, g.get("outcome", "ok"), g.stages, total)
        return response
