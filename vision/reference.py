"""The image path that everybody writes, with Pillow and NumPy alone: what `vision.preprocess` is compared with.

Used by `vision.image_path` and by tests. Its photos are sound and opaque; ours may be anything.
"""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from imaging.decode import Pixels

CROP = 0.875


def preprocess(encoded: bytes, size: int) -> Pixels:
    """Decode, turn upright, crop the centre and resize: RGB pixels [size, size, 3]."""
    with Image.open(BytesIO(encoded)) as image:
        image.draft(None, (2 * size, 2 * size))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    side = CROP * min(upright.size)
    left, top = (upright.width - side) / 2, (upright.height - side) / 2
    return np.asarray(upright.resize((size, size), Image.Resampling.BICUBIC, (left, top, left + side, top + side)))


def normalise(pixels: Pixels) -> NDArray[np.float32]:
    """Turn pixels into float32 [3, size, size] from -1 to 1, as a network wants them whose graph does not do it."""
    planes = ((pixels.astype(np.float32) - 127) / 128).transpose(2, 0, 1)
    return np.ascontiguousarray(planes)
