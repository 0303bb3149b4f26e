"""Uploads at the door: is this an image that we take? Decoded before it is stored, so that nothing broken ever is.

The reader is that of the model: what is stored can be looked at, and a thumbnail shows what the model sees.
"""

import io
from dataclasses import dataclass
from time import monotonic

from PIL import Image

from imaging.cost import read_header
from imaging.decode import Pixels, read
from imaging.errors import Busy, TooManyPixels, UnreadableImage
from imaging.exif import TURNED, orientation
from webapp.limits import MAX_BYTES

__all__ = ["MAX_BYTES", "MEDIA_TYPES", "Busy", "CheckedImage", "ImageTooLarge", "UndecodableImage", "check_image"]

MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
THUMBNAIL_PIXELS = 640  # of the longer side
TURN_S = 2.0  # how long an upload waits for other large ones; it holds a thread meanwhile


class ImageTooLarge(Exception):  # noqa: N818
    """More pixels than we take."""


class UndecodableImage(Exception):  # noqa: N818
    """Not an image of the types we take, a damaged one, or one that takes too much to decode."""


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """An upload that decodes: its bytes as sent, what they are, and a JPEG of at most 640 x 640 for the gallery.

    `width` and `height` are those of the upright picture.
    """

    content: bytes
    media_type: str
    width: int
    height: int
    thumbnail: bytes


def check_image(content: bytes) -> CheckedImage:
    """Decode an upload; raise UndecodableImage, ImageTooLarge, or Busy where other large photos come first."""
    try:
        header = read_header(content)
        thumbnail = read(content, THUMBNAIL_PIXELS, _thumbnail, by=monotonic() + TURN_S, header=header)
    except TooManyPixels as error:
        raise ImageTooLarge(f"The image has too many pixels: {error} are taken.") from error
    except UnreadableImage as error:
        raise UndecodableImage(f"This photo cannot be read ({error}).") from error
    width, height = header.width, header.height
    if orientation(header.exif) in TURNED:
        width, height = height, width
    return CheckedImage(content, MEDIA_TYPES[header.format], width, height, thumbnail)


def _thumbnail(pixels: Pixels) -> bytes:
    small = Image.fromarray(pixels)
    small.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)
    return out.getvalue()
