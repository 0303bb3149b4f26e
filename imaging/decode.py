"""Encoded photo in, upright RGB pixels for as long as somebody uses them.

JPEG, which nearly every photo is, is decoded by libjpeg-turbo straight from the bytes. Pillow, around the same library,
gives the same pixels and takes half as long again. It decodes PNG and WebP, and takes over each JPEG that is out of the
ordinary: it forgives more, and says what is wrong.
"""

from collections.abc import Callable
from contextlib import nullcontext
from io import BytesIO
from itertools import product
from typing import TypeVar

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from imaging.cost import judged, read_header
from imaging.errors import UnreadableImage
from imaging.exif import orientation
from imaging.header import Format, Header
from imaging.memory import give_back
from imaging.turns import turn

Pixels = NDArray[np.uint8]
Used = TypeVar("Used")

# Opened by their own classes, not by `Image.open`: that loads forty more formats, takes a JPEG with an index of further
# pictures for another format, and has its own idea of "too large".
CLASSES: dict[Format, type[ImageFile]] = {"JPEG": JpegImageFile, "PNG": PngImageFile, "WEBP": WebPImageFile}
COLOURS = {"Gray", "YCbCr", "RGB"}
# A JPEG can be decoded at a fraction of its size in a fraction of the time. libjpeg-turbo knows every eighth; these,
# Pillow's, are the ones that it is fast at.
FRACTIONS = (8, 4, 2)
BAND = 1 << 16  # pixels that are turned into RGB at once: what comes in between would else be as large as the picture
# How to turn the stored picture so that it stands upright. These are views, nothing is copied.
TURNS: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored[::-1].swapaxes(0, 1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: stored[:, ::-1].swapaxes(0, 1),
}


def read(
    encoded: bytes,
    at_least: int,
    use: Callable[[Pixels], Used],
    *,
    by: float | None = None,
    header: Header | None = None,
) -> Used:
    """Return what `use` makes of the pixels [height, width, 3], which are gone when it returns.

    No side of a large JPEG is much longer than need be for `at_least`. Raise UnreadableImage, its kinds TooManyPixels
    and TooCostly before anything is decoded; and Busy where a large photo does not get its turn by a monotonic time.
    Whoever has read the header already hands it over.
    """
    header = header or read_header(encoded)
    large = judged(header).large
    with turn(by) if large else nullcontext():
        try:
            pixels = decode(encoded, header, at_least)
            if large:  # of a view, whoever needs it in one piece makes a copy, and the stored picture stays beside it
                pixels = np.ascontiguousarray(pixels)
            return use(pixels)
        except (UnreadableImage, MemoryError):  # for the latter the photo is not to blame
            raise
        except Exception as error:  # a decoder that is fed damaged bytes may raise anything
            if "out of memory" in str(error):  # as Pillow says it
                raise MemoryError from error
            raise UnreadableImage(_explain(error)) from error
        finally:
            if large:
                give_back()


def decode(encoded: bytes, header: Header, at_least: int) -> Pixels:
    """Return the pixels of a photo that was judged; damaged bytes raise whatever the decoder does."""
    stored = _decode_jpeg(encoded, header, at_least) if header.format == "JPEG" else None
    if stored is None:
        stored = _decode_by_pillow(header, at_least)
    turned = TURNS.get(orientation(header.exif))
    return stored if turned is None else turned(stored)


def _decode_jpeg(encoded: bytes, header: Header, at_least: int) -> Pixels | None:
    """Return the stored pixels, or None for what is better left to Pillow: CMYK, rare subsampling, any damage."""
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(encoded)
        # The header that was judged must be the one that is decoded.
        if colours not in COLOURS or (width, height) != (header.width, header.height):
            return None
        room = min(width, height) // at_least
        fraction = next((fraction for fraction in FRACTIONS if fraction <= room), 1)
        smallest = {"min_height": -(-height // fraction), "min_width": -(-width // fraction)}
        # simplejpeg makes room for the fraction. A decoder that ignores it, as for lossless ones, would write beyond;
        # room for the whole has no beyond, and what of it is not written takes no memory.
        whole = np.empty((height, width, 3), np.uint8) if fraction > 1 else None
        pixels: Pixels = simplejpeg.decode_jpeg(encoded, "RGB", buffer=whole, **smallest)
    except ValueError:
        return None
    return pixels


def _decode_by_pillow(header: Header, at_least: int) -> Pixels:
    with CLASSES[header.format](BytesIO(header.essence())) as image:
        if image.size != (header.width, header.height):
            raise UnreadableImage("damaged image")
        image.draft(None, (at_least, at_least))
        image.load()
        pixels = np.empty((image.height, image.width, 3), np.uint8)
        columns = min(image.width, BAND)
        rows = BAND // columns
        for top, left in product(range(0, image.height, rows), range(0, image.width, columns)):
            bottom, right = min(image.height, top + rows), min(image.width, left + columns)
            pixels[top:bottom, left:right] = np.asarray(_rgb(image.crop((left, top, right, bottom))))
    return pixels


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip instead of scale
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


def _explain(error: Exception) -> str:
    return "truncated image" if "truncated" in str(error).lower() else "damaged image"
