"""Every error as an answer: problem+json (RFC 9457) for programs, a page for people, never a traceback."""

import logging

from flask import Flask, Response, g, make_response, render_template, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, InternalServerError, NotFound, RequestEntityTooLarge

from webapp.images import MAX_BYTES, ImageTooLarge, UndecodableImage
from webapp.predictor import PredictionPending, PredictorUnavailable, UnknownPhoto, UnreadablePhoto

log = logging.getLogger(__name__)

# Where werkzeug's own words would not help.
WORDS: dict[type[Exception], str] = {
    NotFound: "There is nothing at this address.",
    RequestEntityTooLarge: f"At most {MAX_BYTES:,} bytes are taken.",
}
PROGRAM_PATHS = ("/api/", "/livez", "/readyz", "/metrics")

STATUS: dict[type[Exception], int] = {
    UnknownPhoto: 404,
    ImageTooLarge: 413,
    UnreadablePhoto: 422,
    UndecodableImage: 422,
    PredictionPending: 202,
    PredictorUnavailable: 503,
    SQLAlchemyError: 503,
}
TITLES = {
    202: "Prediction pending",
    400: "Bad request",
    404: "Not found",
    405: "Method not allowed",
    413: "Too large",
    415: "Not an image type that is taken",
    422: "Not a readable image",
    500: "Internal error",
    501: "Not offered by this architecture",
    503: "Unavailable",
}


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Build the answer for an error: JSON under the API's paths, a page elsewhere."""
    title = TITLES.get(status, f"Error {status}")
    if request.path.startswith(PROGRAM_PATHS):
        body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        response = make_response(body, status)
        response.content_type = "application/problem+json"
    else:
        response = make_response(render_template("error.html", title=title, detail=detail), status)
    response.headers.update(headers or {})
    return response


def describe(error: Exception) -> tuple[int, str, dict[str, str]]:
    """Translate an exception into status, words and headers; what is not known is a 500 without details."""
    if isinstance(error, HTTPException) and error.code:
        allow = error.get_response().headers.get("Allow")
        return error.code, WORDS.get(type(error), error.description) or "", {"Allow": allow} if allow else {}
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    if isinstance(error, SQLAlchemyError):
        log.error("database: %s", error)
        return status, "The database does not answer.", {"Retry-After": "1"}
    if status == InternalServerError.code:
        log.error("unexpected error", exc_info=error)
        return status, "Something went wrong here; it has been logged.", {}
    return (
        status,
        str(error),
        {"Retry-After": str(error.retry_after)} if isinstance(error, PredictorUnavailable) else {},
    )


def answer(error: Exception) -> Response:
    """Turn any exception that reached Flask into an answer."""
    g.outcome = type(error).__name__
    return problem(*describe(error))


def install(app: Flask) -> None:
    """Let this module answer for every exception of the app."""
    app.register_error_handler(Exception, answer)
