"""Encoded photo in, upright RGB pixels out: the lower half of `vision.preprocess`.

JPEG, which nearly every photo is, is decoded by libjpeg-turbo straight from the bytes. Pillow, around the same library,
gives the same pixels and takes half as long again. It still reads every header, decodes PNG and WebP, and takes over
each JPEG that is out of the ordinary: it forgives more, and says what is wrong.
"""

import re
from collections.abc import Callable
from io import BytesIO

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from vision.errors import UnreadableImage

Pixels = NDArray[np.uint8]

MAX_PIXELS = 50_000_000
# Opened by their own classes, not by `Image.open`: that loads forty more formats, and has its own idea of "too large".
FORMATS: dict[bytes, type[ImageFile]] = {
    rb"\xff\xd8\xff": JpegImageFile,
    rb"\x89PNG\r\n\x1a\n": PngImageFile,
    rb"RIFF....WEBP": WebPImageFile,
}
COLOURS = {"Gray", "YCbCr", "RGB"}
# A JPEG can be decoded at a fraction of its size in a fraction of the time. libjpeg-turbo knows every eighth; these,
# Pillow's, are the ones that it is fast at.
FRACTIONS = (8, 4, 2)
# EXIF 2.32, tag 274: how to turn the stored picture so that it stands upright. These are views, nothing is copied.
TURNS: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored[::-1].swapaxes(0, 1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: stored[:, ::-1].swapaxes(0, 1),
}


def decode(encoded: bytes, at_least: int) -> Pixels:
    """Return the pixels [height, width, 3], no side of a large JPEG much longer than need be for `at_least`.

    Raise `UnreadableImage` for another format and for too many pixels; damaged bytes raise whatever the decoder does.
    """
    image = _open(encoded)
    stored = _decode_jpeg(encoded, image, at_least) if isinstance(image, JpegImageFile) else None
    if stored is None:
        image.draft(None, (at_least, at_least))
        image.load()
        stored = np.asarray(_rgb(image))
    return _upright(stored, image)


def _open(encoded: bytes) -> ImageFile:
    """Read the header, not yet the pixels."""
    opener = next((opener for magic, opener in FORMATS.items() if re.match(magic, encoded, re.DOTALL)), None)
    if opener is None:
        raise UnreadableImage("not an image: neither JPEG, PNG nor WebP")
    image = opener(BytesIO(encoded))
    pixels = image.width * image.height
    if pixels > MAX_PIXELS:
        raise UnreadableImage(f"{pixels:,} pixels, at most {MAX_PIXELS:,}")
    return image


def _decode_jpeg(encoded: bytes, header: ImageFile, at_least: int) -> Pixels | None:
    """Return the stored pixels, or None for what is better left to Pillow: CMYK, rare subsampling, any damage."""
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(encoded)
        # The header whose pixels were counted must be the one that is decoded.
        if colours not in COLOURS or (width, height) != header.size:
            return None
        room = min(width, height) // at_least
        fraction = next((fraction for fraction in FRACTIONS if fraction <= room), 1)
        smallest = {"min_height": -(-height // fraction), "min_width": -(-width // fraction)}
        pixels: Pixels = simplejpeg.decode_jpeg(encoded, "RGB", **smallest)
    except ValueError:
        return None
    return pixels


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip instead of scale
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


def _upright(stored: Pixels, image: Image.Image) -> Pixels:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001  a photo with damaged metadata is still a photo
        return stored
    return TURNS[orientation](stored) if orientation in TURNS else stored
