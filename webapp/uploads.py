"""Reading uploads from a request: whole, of the right media type, neither empty nor too large."""

import logging
from dataclasses import dataclass
from typing import NoReturn

from flask import abort, request
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge

from webapp.forms import Part, take_apart
from webapp.images import MAX_BYTES, MEDIA_TYPES, CheckedImage, ImageTooLarge, UndecodableImage, check_image
from webapp.titles import title_of

__all__ = ["Upload", "check_size", "read_body", "read_form", "read_image", "title_of"]

log = logging.getLogger(__name__)

FORM = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Upload:
    """A photo out of a form, and what it is to be called."""

    image: CheckedImage
    title: str


def read_image() -> CheckedImage:
    """Return the request's body as an image that decodes, or raise what says why not (400, 413, 415, 422)."""
    return check_image(read_body())


def read_body() -> bytes:
    """Return the request's body, of a media type and a size that we take."""
    if request.mimetype not in MEDIA_TYPES.values():
        sent = f"not {request.mimetype!r}" if request.mimetype else "and a Content-Type header that says which"
        abort(415, f"Send the image's bytes as {', '.join(MEDIA_TYPES.values())}, {sent}.")
    return check_size(_whole_body())


def read_form() -> Upload:
    """Return the photo of the upload form, or raise what says why there is none (400, 413, 415, 422)."""
    if request.mimetype != FORM:
        abort(415, f"Send the form as {FORM}: a form of type {request.mimetype!r} holds no file.")
    parts = _parts(_whole_body())
    photo = _chosen(parts)
    title = next((_text(part) for part in parts if part.name == "title" and part.filename is None), "")
    image = check_image(check_size(bytes(photo.content)))
    return Upload(image, title_of(title.strip() or (photo.filename or "").rsplit(".", 1)[0]))


def check_size(content: bytes) -> bytes:
    """Return an upload's bytes, or raise where there are none or too many."""
    if not content:
        raise UndecodableImage("The body is empty; send the image's bytes.")
    if len(content) > MAX_BYTES:
        raise ImageTooLarge(f"The image has more than the {MAX_BYTES:,} bytes that are taken.")
    return content


def _whole_body() -> bytes:
    """Read the body to its end; one that has no proper end is refused (400), whichever server runs us."""
    _refuse_codings()
    try:
        body = request.get_data(cache=False)
    except ClientDisconnected:
        abort(400, "The connection ended before the body did; send it again.")
    except HTTPException:
        raise
    except Exception as error:  # noqa: BLE001  (each server has its own for a body that breaks HTTP)
        log.info("a body that cannot be read: %r", error)
        abort(400, "The body cannot be read: it is broken or cut short; send it again.")
    if len(body) == request.max_content_length:
        raise RequestEntityTooLarge  # without a Content-Length werkzeug stops to read there, in silence
    expected = request.content_length
    if expected is not None and len(body) != expected:
        abort(400, f"The body ends after {len(body):,} of the {expected:,} bytes of its Content-Length; send it again.")
    return body


def _refuse_codings() -> None:
    """Refuse a body that is packed in any way: nobody unpacks it here, and what it would become has no bound."""
    for header, taken in (("Content-Encoding", {"", "identity"}), ("Transfer-Encoding", {"", "identity", "chunked"})):
        given = request.headers.get(header, "")
        if {coding.strip().lower() for coding in given.split(",")} - taken:
            abort(415, f"Send the bytes as they are: {header} {given[:50]!r} is not taken.")


def _parts(body: bytes) -> list[Part]:
    try:
        return take_apart(body, request.mimetype_params.get("boundary", ""))
    except RequestEntityTooLarge:
        abort(413, "The form has too many parts or too long a text or head of one; it takes one photo and a title.")
    except UnicodeDecodeError as error:
        _not_utf8("A name in the form", error, "rename the file")
    except ValueError as error:
        abort(400, f"The form is broken or cut short ({error}); send it again.")


def _text(part: Part) -> str:
    try:
        return part.text()
    except UnicodeDecodeError as error:
        _not_utf8(f"The form's field `{part.name}`", error, "name its charset")


def _not_utf8(what: str, error: UnicodeDecodeError, or_else: str) -> NoReturn:
    found = bytes(error.object[error.start : error.end])
    abort(400, f"{what} is not {error.encoding.upper()} ({found!r}); send it as UTF-8, or {or_else}.")


def _chosen(parts: list[Part]) -> Part:
    """Return the form's one file; browsers send an empty one without a name where none was chosen."""
    files = [part for part in parts if part.filename is not None]
    chosen = [file for file in files if file.name == "image" and (file.filename or file.content)]
    if len(chosen) > 1:
        abort(400, f"The form holds {len(chosen)} photos; send one at a time.")
    if chosen:
        return chosen[0]
    if any(part.name == "image" and part.filename is None for part in parts):
        abort(400, "The form's field `image` is a text; send it as a file, with a file name.")
    if others := [file.name[:50] for file in files if file.name != "image"]:
        abort(400, f"The form's file is in the field {others[0]!r}; send it in `image`.")
    raise UndecodableImage("Choose a photo first.")
