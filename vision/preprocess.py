"""Encoded photo in, pixels for the network out: between the bytes of the product and the ONNX graph.

The usual evaluation recipe for ImageNet: a centre crop of 87.5 % of the short side, resized by bicubic interpolation.
The numbers stay uint8, because the graph normalises them itself: a quarter of the bytes to move. Libraries were chosen
for speed, and so that pixels equal those of Pillow (docs/adr/0010); `vision.reference` is what they are compared with.
"""

import math
from functools import partial

import numpy as np
from cykooz_resizer import CropBox, FilterType, ImageData, PixelType, ResizeAlg, ResizeOptions, Resizer

from imaging.decode import Pixels, read

__all__ = ["Pixels", "preprocess"]

CROP = 0.875
# What Pillow calls bicubic: when it makes smaller, it averages over all that a pixel covers.
BICUBIC = ResizeAlg.convolution(FilterType.catmull_rom)
# How far its kernel reaches to either side, in pixels of the smaller image.
REACH = 2


def preprocess(encoded: bytes, size: int, *, by: float | None = None) -> Pixels:
    """Turn a JPEG, PNG or WebP into RGB pixels [size, size, 3]; raise `UnreadableImage` for anything else.

    A large photo waits for its turn, at most until a monotonic time, and then raises `imaging.errors.Busy`.
    """
    # Twice our size is plenty to be made smaller from.
    return read(encoded, 2 * size, partial(_crop_and_resize, size=size), by=by)


def _crop_and_resize(pixels: Pixels, size: int) -> Pixels:
    """Resize the centre crop; nothing that its pixels cannot depend on is copied on the way."""
    height, width, _ = pixels.shape
    # Between its two passes values are rounded and clipped, so the order shows: in the wrong one, one in six differs.
    # Columns first, as in Pillow, which since version 13 starts with the rows where there is much more to lose of them.
    rows_first = height - size > 2 * max(0, width - size)
    side = CROP * min(width, height)
    reach = math.ceil(REACH * max(1, side / size))
    left, columns = _window(width, side, reach)
    top, rows = _window(height, side, reach)
    window = pixels[rows, columns]
    height, width, _ = window.shape
    source, target = _image(width, height, window.tobytes()), _image(size, size)
    if rows_first:
        between = _resize(source, CropBox(0, top, width, side), _image(width, size))
        _resize(between, CropBox(left, 0, side, size), target)
    else:
        between = _resize(source, CropBox(left, 0, side, height), _image(size, height))
        _resize(between, CropBox(0, top, size, side), target)
    return np.frombuffer(target.get_buffer(), np.uint8).reshape(size, size, 3)


def _image(width: int, height: int, pixels: bytes | None = None) -> ImageData:
    return ImageData(width, height, PixelType.U8x3, pixels)


def _window(length: int, side: float, reach: int) -> tuple[float, slice]:
    """Return which pixels of a row or column the kernel reaches, and where the crop of that side starts in them."""
    start = (length - side) / 2
    first = max(0, math.floor(start) - reach)
    return start - first, slice(first, math.ceil(start + side) + reach)


def _resize(source: ImageData, box: CropBox, target: ImageData) -> ImageData:
    # A resizer of its own costs nothing; one that threads shared would let them through one at a time.
    Resizer().resize(source, target, ResizeOptions(resize_alg=BICUBIC, crop_box=box, use_alpha=False))
    return target
