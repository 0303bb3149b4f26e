"""Small files that would take a decoder seconds, gigabytes, or its life, made byte by byte."""

import struct
import zlib
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image


def jpeg_of_scans(width: int, height: int, scans: int, *, disguise: bytes = b"") -> bytes:
    """A progressive JPEG, all grey, drawn in many nearly empty scans; `disguise` goes between the first two."""
    blocks = -(-width // 8) * -(-height // 8)
    parts = [
        b"\xff\xd8",
        segment(0xDB, b"\0" + b"\1" * 64),
        segment(0xC2, struct.pack(">BHHB3B", 8, height, width, 1, 1, 0x11, 0)),
        segment(0xC4, b"\0" + bytes([1] + [0] * 15) + b"\0"),  # of DC one code of one bit: no difference
        segment(
            0xC4, b"\x10" + bytes([0, 1] + [0] * 14) + b"\xe0"
        ),  # of AC one code of two bits: a run of empty blocks
        segment(0xDA, b"\1\1\0\0\0\0"),
        bytes(-(-blocks // 8)),
        disguise,
    ]
    for number in range(scans - 1):
        # One coefficient after the other, each bit by bit from the thirteenth; a run is of 16,384 blocks.
        which, low = 1 + number // 14 % 63, 13 - number % 14
        high = 0 if low == 13 else low + 1
        parts += [segment(0xDA, bytes([1, 1, 0x10, which, which, high << 4 | low])), bytes(2 * -(-blocks // 16_384))]
    return b"".join((*parts, b"\xff\xd9"))


def lossless(width: int, height: int, components: int = 3, code: int = 0xC3, precision: int = 8) -> bytes:
    """A lossless JPEG of one colour, whole."""
    ids = range(1, components + 1)
    frame = struct.pack(">BHHB", precision, height, width, components) + b"".join(bytes([n, 0x11, 0]) for n in ids)
    scan = bytes([components]) + b"".join(bytes([n, 0]) for n in ids) + b"\1\0\0"
    return b"".join(
        (
            b"\xff\xd8",
            segment(0xDB, b"\0" + b"\1" * 64),
            segment(code, frame),
            segment(0xC4, b"\0\1\1" + bytes(15) + b"\1"),
            segment(0xDA, scan),
            bytes(width * height * components // 8 + 1),
            b"\xff\xd9",
        )
    )


def segment(code: int, content: bytes) -> bytes:
    return b"\xff" + bytes([code]) + struct.pack(">H", len(content) + 2) + content


def png(width: int, height: int, *, depth: int = 8, colours: int = 2, extra: bytes = b"") -> bytes:
    """A whole PNG, all black, `extra` chunks before its pixels."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colours]
    row = bytes(1 + -(-width * channels * depth // 8))
    packer = zlib.compressobj()
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def webp(width: int, height: int) -> bytes:
    """A whole lossless WebP of one colour: 28 bytes for any size."""
    # No transform, no cache, and for each of five alphabets a single symbol, which takes no bits.
    content = b"\x2f" + (width - 1 | height - 1 << 14).to_bytes(4, "little") + b"\x88\x88\x08"
    return b"RIFF" + struct.pack("<I", 12 + len(content)) + b"WEBPVP8L" + struct.pack("<I", len(content)) + content


@cache
def webp_of_codes(side: int, block: int = 2) -> bytes:
    """A lossless WebP in which each block of 2^block pixels a side has a set of prefix codes of its own."""
    bits: list[int] = []

    def put(value: int, count: int) -> None:
        bits.extend(value >> place & 1 for place in range(count))

    def eight_bits_each(size: int) -> None:
        put(0, 1), put(8, 4)
        for place in range(12):
            put(place in {2, 11}, 3)
        put(0, 1)
        for symbol in range(size):
            put(symbol < 256, 1)

    across = -(-side // (1 << block))
    put(side - 1, 14), put(side - 1, 14), put(0, 4)
    put(0, 1), put(0, 1), put(1, 1), put(block - 2, 3)  # no transform, no cache, sets of codes for blocks of that size
    put(0, 1), eight_bits_each(280), eight_bits_each(256), put(1, 4), put(1, 4), put(1, 4)
    for number in range(across * across):
        which = min(number, 65_535)
        put(int(f"{which & 255:08b}"[::-1], 2), 8), put(int(f"{which >> 8:08b}"[::-1], 2), 8)
    bits += [1, 0, 0, 0] * (5 * min(across * across, 65_536))
    packed = np.packbits(np.array(bits, np.uint8), bitorder="little").tobytes()
    content = b"\x2f" + packed + bytes((1 + len(packed)) % 2)
    return b"RIFF" + struct.pack("<I", 12 + len(content)) + b"WEBPVP8L" + struct.pack("<I", len(content)) + content


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
