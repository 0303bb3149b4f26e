"""Encoded photo in, pixels for the network out: between the bytes of the product and the ONNX graph.

The usual evaluation recipe for ImageNet: a centre crop of 87.5 % of the short side, resized by bicubic interpolation.
The numbers stay uint8, because the graph normalises them itself: a quarter of the bytes to move.
"""

import re
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from vision.errors import UnreadableImage

Pixels = NDArray[np.uint8]

MAX_PIXELS = 50_000_000
CROP = 0.875
# Opened by their own classes, not by `Image.open`: that loads forty more formats, and has its own idea of "too large".
FORMATS: dict[bytes, type[ImageFile]] = {
    rb"\xff\xd8\xff": JpegImageFile,
    rb"\x89PNG\r\n\x1a\n": PngImageFile,
    rb"RIFF....WEBP": WebPImageFile,
}
# EXIF 2.32, tag 274: how to turn the stored picture so that it stands upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def preprocess(encoded: bytes, size: int) -> Pixels:
    """Turn a JPEG, PNG or WebP into RGB pixels [size, size, 3]; raise `UnreadableImage` for anything else."""
    try:
        image = _open(encoded)
        # A large JPEG decodes at a half, a quarter or an eighth in a fraction of the time; twice our size is plenty.
        image.draft(None, (2 * size, 2 * size))
        image.load()
        return _crop(_rgb(_upright(image)), size)
    except UnreadableImage:
        raise
    except Exception as error:  # a decoder that is fed damaged bytes may raise anything
        raise UnreadableImage(_explain(error)) from error


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


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001  a photo with damaged metadata is still a photo
        return image
    return image.transpose(TURNS[orientation]) if orientation in TURNS else image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip instead of scale
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


def _crop(image: Image.Image, size: int) -> Pixels:
    side = CROP * min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, box))


def _explain(error: Exception) -> str:
    if isinstance(error, Image.DecompressionBombError):  # WebP only: it counts before we can
        return f"too many pixels, at most {MAX_PIXELS:,}"
    return "truncated image" if "truncated" in str(error).lower() else "damaged image"
