"""How a photo has to be turned to stand upright: the one thing that is read of its metadata (EXIF 2.32, tag 274)."""

import struct

from PIL import ExifTags, Image

PREFIX = b"Exif\0\0"
TURNED = {5, 6, 7, 8}  # the orientations in which width and height change places
# Each entry may point at all that there is, so many entries in many bytes are a bomb. Cameras write some dozens.
MOST_BYTES, MOST_ENTRIES = 65_536, 256


def orientation(exif: bytes) -> int:
    """Return the tag's value, 1 to 8; 1, upright, where there is none or the metadata are damaged."""
    try:
        if not exif or len(exif) > MOST_BYTES or _entries(exif) > MOST_ENTRIES:
            return 1
        tags = Image.Exif()
        tags.load(exif)
        found = tags.get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001  a photo with damaged metadata is still a photo
        return 1
    return next((turned for turned in range(1, 9) if turned == found), 1)


def _entries(exif: bytes) -> int:
    """Return how many entries of 12 bytes the first directory has; raise struct.error where there is none."""
    tiff = exif.removeprefix(PREFIX)
    order = "<" if tiff[:1] == b"I" else ">"
    first = int(struct.unpack_from(f"{order}I", tiff, 4)[0])
    entries = int(struct.unpack_from(f"{order}H", tiff, first)[0])
    return min(entries, (len(tiff) - first - 2) // 12)
