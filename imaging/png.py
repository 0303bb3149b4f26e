"""The header of a PNG (ISO/IEC 15948), and what decoding it takes."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from imaging.errors import TooCostly, UnreadableImage
from imaging.header import BYTES_PER_PIXEL, Header

MAGIC = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
MOST_CHUNKS = 20_000
# Nanoseconds on one core, measured: for each byte of the picture as it is filtered, for each pixel that is unpacked, be
# it of a single bit, and becomes RGB, for each that comes out of turn, for each that is laid on white, and for each
# row, of which a picture can consist.
PER_BYTE, PER_PIXEL, PER_INTERLACED, PER_CLEAR_PIXEL, PER_ROW = 5.5e-9, 9e-9, 3e-9, 8e-9, 60e-9
BYTES_PER_ROW = 16  # a pointer, and what is lost for alignment
PIXEL_OF_PILLOW = 4  # bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk: where it begins, where it ends."""

    kind: bytes
    start: int
    end: int


def read(encoded: bytes) -> Header:
    """Read the header; raise UnreadableImage."""
    chunks = list(_chunks(encoded))
    if not chunks or chunks[0].kind != b"IHDR":
        raise UnreadableImage("damaged image")
    try:
        width, height, depth, colours, interlaced = struct.unpack_from(">IIBB2xB", encoded, chunks[0].start + 8)
    except struct.error as error:
        raise UnreadableImage("truncated image") from error
    if not width * height or depth not in {1, 2, 4, 8, 16} or colours not in CHANNELS:
        raise UnreadableImage("damaged image")
    pixels, bits = width * height, CHANNELS[colours] * depth
    clear = colours in {4, 6} or any(each.kind == b"tRNS" for each in chunks)
    per_pixel = bits / 8 * PER_BYTE + PER_PIXEL + PER_INTERLACED * bool(interlaced) + PER_CLEAR_PIXEL * clear
    row = -(-width * bits // 8)
    # A decoder keeps two rows, to filter one by the other, and the file twice; then the picture becomes RGB.
    room = max(pixels * PIXEL_OF_PILLOW + 2 * row, pixels * BYTES_PER_PIXEL) + 2 * len(encoded)
    return Header(
        "PNG", width, height, _exif(encoded, chunks),
        seconds=pixels * per_pixel + height * PER_ROW, memory=room + height * BYTES_PER_ROW,
        essence=partial(_essence, encoded, chunks),
    )  # fmt: skip


def _chunks(encoded: bytes) -> Iterator[Chunk]:
    """Yield the chunks; the last one may end beyond the bytes."""
    at = len(MAGIC)
    for _ in range(MOST_CHUNKS):
        if at + 8 > len(encoded):
            return
        kind, start = encoded[at + 4 : at + 8], at
        at += 12 + int.from_bytes(encoded[at : at + 4])
        yield Chunk(kind, start, at)
        if kind == b"IEND":
            return
    raise TooCostly(f"a PNG that takes too long to decode: it has more than {MOST_CHUNKS:,} parts")


def _exif(encoded: bytes, chunks: list[Chunk]) -> bytes:
    return next((encoded[each.start + 8 : each.end - 4] for each in chunks if each.kind == b"eXIf"), b"")


def _essence(encoded: bytes, chunks: list[Chunk]) -> bytes:
    return b"".join((MAGIC, *(encoded[each.start : each.end] for each in chunks if each.kind in KEPT)))
