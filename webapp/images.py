"""Uploads at the door: is this an image that we take? Decoded once, whole, so that nothing broken is ever stored."""

import io
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 50_000_000
THUMBNAIL_PIXELS = (640, 640)


class ImageTooLarge(Exception):  # noqa: N818
    """More pixels than we take."""


class UndecodableImage(Exception):  # noqa: N818
    """Not an image of the types we take, or a damaged one."""


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """An upload that decodes: its bytes as sent, what they are, and a JPEG of at most 640 x 640 for the gallery."""

    content: bytes
    media_type: str
    width: int
    height: int
    thumbnail: bytes


def check_image(content: bytes) -> CheckedImage:
    """Decode an upload; raise UndecodableImage or ImageTooLarge (known from the header, before any decoding)."""
    try:
        with Image.open(io.BytesIO(content), formats=list(MEDIA_TYPES)) as image:
            media_type = MEDIA_TYPES[str(image.format)]
            if image.width * image.height > MAX_PIXELS:
                raise ImageTooLarge(
                    f"The image has {image.width * image.height:,} pixels; at most {MAX_PIXELS:,} are taken."
                )
            image.load()
            upright = _upright(image)
            return CheckedImage(content, media_type, upright.width, upright.height, _thumbnail(upright))
    except ImageTooLarge:
        raise
    except Image.DecompressionBombError as error:  # Pillow's own limit, three times ours, told by opening already
        raise ImageTooLarge(f"The image has far more than the {MAX_PIXELS:,} pixels that are taken.") from error
    except UnidentifiedImageError as error:
        raise UndecodableImage("These bytes are not a JPEG, PNG or WebP image.") from error
    except Exception as error:  # a decoder that is fed damaged bytes may raise anything
        raise UndecodableImage(f"The image is damaged and cannot be decoded ({error}).") from error


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001  (a photo with damaged metadata is still a photo)
        return image


def _thumbnail(image: Image.Image) -> bytes:
    small = image.convert("RGB")
    small.thumbnail(THUMBNAIL_PIXELS)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)
    return out.getvalue()
