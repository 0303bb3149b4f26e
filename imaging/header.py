"""What the first bytes of a photo say, read without a decoder: its format, its size, and what decoding will take."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

BYTES_PER_PIXEL = 7  # as an array, and once more as a picture of Pillow's: one makes the other, in either direction
Format = Literal["JPEG", "PNG", "WEBP"]


@dataclass(frozen=True, slots=True)
class Header:
    """One photo as it is stored.

    `width` and `height` are in pixels, before it is turned upright as `exif` (raw, perhaps empty) asks. Decoding takes
    about `seconds` on one core and `memory` bytes. `essence` makes the bytes without all that is not the picture:
    metadata can be a bomb of its own, and nobody here needs it.
    """

    format: Format
    width: int
    height: int
    exif: bytes
    seconds: float
    memory: int
    essence: Callable[[], bytes]
