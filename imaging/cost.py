"""What a photo will cost, judged from its header before anything is decoded: bytes and pixels alone say too little.

375 KB of JPEG with 3,000 nearly empty passes take 30 s, a WebP of 34 bytes takes 1 GB. The estimates are those of
`jpeg`, `png` and `webp`; they are rounded up, for one core of a small server.
"""

from dataclasses import dataclass

from imaging import jpeg, png, webp
from imaging.errors import TooCostly, TooManyPixels, UnreadableImage
from imaging.header import Header

MAX_PIXELS = 50_000_000
MAX_BYTES = 16 * 1024 * 1024  # encoded: even to look through them takes time
MAX_SECONDS = 1.5
MAX_MEMORY = 256_000_000  # bytes
# What takes more is decoded one at a time in a process, and away from everybody who only waits for the model.
LARGE_SECONDS, LARGE_MEMORY = 0.05, 32_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What decoding takes: `seconds` on one core, `memory` in bytes."""

    seconds: float
    memory: int

    @property
    def large(self) -> bool:
        """Whether it has to wait for its turn."""
        return self.seconds > LARGE_SECONDS or self.memory > LARGE_MEMORY


def judge(encoded: bytes) -> Cost:
    """Return what a photo will cost; raise UnreadableImage, of which TooManyPixels and TooCostly are kinds."""
    return judged(read_header(encoded))


def judged(header: Header) -> Cost:
    """Return what a photo with this header will cost; raise TooManyPixels or TooCostly."""
    pixels = header.width * header.height
    if pixels > MAX_PIXELS:
        raise TooManyPixels(f"{pixels:,} pixels, at most {MAX_PIXELS:,}")
    if header.seconds > MAX_SECONDS:
        raise TooCostly(
            f"a {header.format} that takes too long to decode: about {header.seconds:.1f} s, at most {MAX_SECONDS} s; "
            "save it smaller, or in another way"
        )
    if header.memory > MAX_MEMORY:
        raise TooCostly(
            f"a {header.format} that takes too much memory to decode: about {header.memory / 1e6:,.0f} MB, "
            f"at most {MAX_MEMORY / 1e6:.0f} MB; save it smaller, or as a JPEG"
        )
    return Cost(header.seconds, header.memory)


def read_header(encoded: bytes) -> Header:
    """Read the header of whatever format it is; raise UnreadableImage, TooCostly."""
    if len(encoded) > MAX_BYTES:
        raise TooCostly(f"{len(encoded):,} bytes, at most {MAX_BYTES:,}")
    if encoded.startswith(jpeg.MAGIC):
        return jpeg.read(encoded)
    if encoded.startswith(png.MAGIC):
        return png.read(encoded)
    if webp.matches(encoded):
        return webp.read(encoded)
    raise UnreadableImage("not an image: neither JPEG, PNG nor WebP")
