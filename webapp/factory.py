"""Builds the web application around a photo store and a predictor; each variant's `app.py` calls it once."""

import logging
from collections.abc import Iterable
from time import perf_counter
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request
from werkzeug.routing import IntegerConverter

from webapp import operations, pages, photo_api, prediction_api, problems, timing
from webapp.json_answers import JsonAnswers
from webapp.limits import MAX_BODY
from webapp.metrics import Metrics
from webapp.photos import PhotoStore
from webapp.predictor import Predictor
from webapp.ranges import RangedResponse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

# Everything that a page needs comes from here, and no script does; nobody may frame a page, or guess at types.
POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY = [
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
]


class PhotoId(IntegerConverter):
    """An id as we hand them out: at most as long as MAX_ID. Anything else is a path that does not exist."""

    regex = r"[1-9][0-9]{0,8}"


def create_app(photos: PhotoStore, predictor: Predictor) -> Flask:
    """Return the product as a WSGI application that answers with this predictor."""
    app = Flask(__name__)
    app.response_class = RangedResponse
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.json = JsonAnswers(app)
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
    app.wsgi_app = _secured(app.wsgi_app)  # type: ignore[method-assign, assignment]
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
        total, stages = perf_counter() - g.start, g.stages
        response.headers["Server-Timing"] = timing.server_timing(stages, total)
        try:
            metrics.observe(request, response.status_code, g.get("outcome", "ok"), stages, total)
        except (OSError, ValueError):  # a folder that is gone, a file that is none: no reason to fail a request
            log.exception("a request was not counted")
        return response


def _secured(application: "WSGIApplication") -> "WSGIApplication":
    """Add the headers to whatever is answered; below Flask, where that costs next to nothing."""

    def secured(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        return application(environ, lambda status, headers, *error: start_response(status, headers + SECURITY, *error))

    return secured
