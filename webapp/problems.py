"""Every error as an answer: problem+json (RFC 9457) for programs, a page for people, never a traceback."""

import errno
import logging
import sqlite3

from flask import Flask, Response, g, make_response, render_template, request
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from werkzeug.exceptions import HTTPException, InternalServerError, NotFound, RequestEntityTooLarge

from webapp.database import Damaged, told
from webapp.images import MAX_BYTES, Busy, ImageTooLarge, UndecodableImage
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
    Busy: 503,
}
TITLES = {
    202: "Prediction pending",
    400: "Bad request",
    403: "Not from another site",
    404: "Not found",
    405: "Method not allowed",
    412: "Another version",
    413: "Too large",
    415: "Not a type that is taken",
    416: "Beyond the end",
    422: "Not a readable image",
    500: "Internal error",
    501: "Not offered by this architecture",
    503: "Unavailable",
    507: "No room",
}
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
POSTGRESQL_DISK_FULL = "53100"
RETRY = {"Retry-After": "1"}


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
        headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
        words = WORDS.get(type(error)) if error.description == type(error).description else None
        return error.code, words or error.description or "", headers
    if isinstance(error, SQLAlchemyError | OSError):
        return _storage(error)
    if isinstance(error, MemoryError):
        log.error("out of memory")
        return 503, "There is not enough memory for this now; try again in a moment.", RETRY
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    if status == InternalServerError.code:
        log.error("unexpected error", exc_info=error)
        return status, "Something went wrong here; it has been logged.", {}
    again = {"Retry-After": str(error.retry_after)} if isinstance(error, PredictorUnavailable | Busy) else {}
    return status, str(error), again


def _storage(error: SQLAlchemyError | OSError) -> tuple[int, str, dict[str, str]]:
    """Translate what a disk, a database or the way to it says: 507 where there is no room, else 503."""
    log.error("storage: %s", told(error))
    if _no_room(error):
        return 507, "There is no room for more here; what is stored can still be seen.", {}
    if isinstance(error, OSError):
        return 503, f"The server's disk or network refuses ({error.strerror or 'it gives no reason'}).", RETRY
    if isinstance(error, Damaged):
        return 503, "What the database holds of this cannot be read.", RETRY
    return 503, "The database does not answer.", RETRY


def _no_room(error: SQLAlchemyError | OSError) -> bool:
    """Whether a disk, a quota or a limit is used up, as the system, SQLite or PostgreSQL says it."""
    if isinstance(error, OSError):
        return error.errno in NO_ROOM
    cause = error.orig if isinstance(error, DBAPIError) else None
    full = getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return full or getattr(cause, "sqlstate", None) == POSTGRESQL_DISK_FULL


def answer(error: Exception) -> Response:
    """Turn any exception that reached Flask into an answer."""
    g.outcome = type(error).__name__
    return problem(*describe(error))


def install(app: Flask) -> None:
    """Let this module answer for every exception of the app."""
    app.register_error_handler(Exception, answer)
