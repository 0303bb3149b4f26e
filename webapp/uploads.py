"""Reading uploads from a request: whole, of the right media type, neither empty nor too large."""

import io
import logging
from dataclasses import dataclass

from flask import abort, request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

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
    fields, files = _parse_form(_whole_body())
    file = _chosen(fields, files)
    image = check_image(check_size(file.stream.read()))
    return Upload(image, title_of(fields.get("title", "").strip() or (file.filename or "").rsplit(".", 1)[0]))


def check_size(content: bytes) -> bytes:
    """Return an upload's bytes, or raise where there are none or too many."""
    if not content:
        raise UndecodableImage("The body is empty; send the image's bytes.")
    if len(content) > MAX_BYTES:
        raise ImageTooLarge(f"The image has {len(content):,} bytes; at most {MAX_BYTES:,} are taken.")
    return content


def _whole_body() -> bytes:
    """Read the body to its end; one that has no proper end is refused (400), whichever server runs us."""
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


def _parse_form(body: bytes) -> tuple[MultiDict[str, str], MultiDict[str, FileStorage]]:
    # Parsed in memory, where the body is anyway: a full disk is no reason not to say what is wrong with a form.
    parser = FormDataParser(
        stream_factory=lambda *_, **__: io.BytesIO(),
        max_form_memory_size=request.max_form_memory_size,
        max_form_parts=request.max_form_parts,
        silent=False,
    )
    try:
        _, fields, files = parser.parse(io.BytesIO(body), FORM, len(body), request.mimetype_params)
    except RequestEntityTooLarge:
        abort(413, "The form has too many parts or too long a text; it takes one photo and a title.")
    except UnicodeDecodeError as error:
        found = bytes(error.object[error.start : error.end])
        abort(400, f"A name in the form is not UTF-8 ({found!r}); send it as UTF-8, or rename the file.")
    except ValueError as error:
        abort(400, f"The form is broken or cut short ({error}); send it again.")
    return fields, files


def _chosen(fields: MultiDict[str, str], files: MultiDict[str, FileStorage]) -> FileStorage:
    """Return the form's one file; browsers send an empty one without a name where none was chosen."""
    chosen = [file for file in files.getlist("image") if file.filename or file.stream.read(1)]
    if len(chosen) > 1:
        abort(400, f"The form holds {len(chosen)} photos; send one at a time.")
    if chosen:
        chosen[0].stream.seek(0)
        return chosen[0]
    if "image" in fields:
        abort(400, "The form's field `image` is a text; send it as a file, with a file name.")
    if others := [name for name in files if name != "image"]:
        abort(400, f"The form's file is in the field {others[0]!r}; send it in `image`.")
    raise UndecodableImage("Choose a photo first.")
