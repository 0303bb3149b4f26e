"""Reading uploads from a request: the right media type, neither empty nor too large, a title that is safe to store."""

from flask import abort, request

from webapp.images import MAX_BYTES, MEDIA_TYPES, CheckedImage, ImageTooLarge, UndecodableImage, check_image

MAX_TITLE = 200


def read_image() -> CheckedImage:
    """Return the request's body as an image that decodes, or raise what says why not (413, 415, 422)."""
    return check_image(read_body())


def read_body() -> bytes:
    """Return the request's body, of a media type and a size that we take."""
    if request.mimetype not in MEDIA_TYPES.values():
        sent = f"not {request.mimetype!r}" if request.mimetype else "and a Content-Type header that says which"
        abort(415, f"Send the image's bytes as {', '.join(MEDIA_TYPES.values())}, {sent}.")
    return check_size(request.get_data(cache=False))


def check_size(content: bytes) -> bytes:
    """Return an upload's bytes, or raise where there are none or too many."""
    if not content:
        raise UndecodableImage("The body is empty; send the image's bytes.")
    if len(content) > MAX_BYTES:
        raise ImageTooLarge(f"The image has {len(content):,} bytes; at most {MAX_BYTES:,} are taken.")
    return content


def title_of(given: str) -> str:
    """Return a title that is safe to store: printable, trimmed, or `Untitled`."""
    return "".join(c for c in given if c.isprintable()).strip()[:MAX_TITLE] or "Untitled"
