"""The header of a WebP (RFC 9649), and what decoding it takes. Of an animation only the first picture is read."""

from collections.abc import Iterator
from functools import partial

from imaging import vp8l
from imaging.errors import TooCostly, UnreadableImage
from imaging.header import Header

MOST_CHUNKS = 1000
PICTURE = {b"VP8X", b"ALPH", b"VP8 ", b"VP8L", b"ANIM", b"ANMF"}
ALPHA, ANIMATION = 0x10, 0x02  # flags of VP8X; the others announce metadata
# Measured on one core: nanoseconds for each pixel, in the slowest kind, that with transparency, and for each byte of
# the file, in a lossy one; and bytes: two canvases and one copy of libwebp, the picture of Pillow, ours.
PER_PIXEL, PER_BYTE, BYTES_PER_PIXEL = 35e-9, 45e-9, 20
PER_SET, BYTES_PER_SET = 11e-6, 8200  # for each set of prefix codes that a lossless one brings along
FRAME_HEADER, LOSSLESS_HEADER, ALPHA_HEADER = 16, 5, 1  # bytes before what is inside

Chunk = tuple[bytes, bytes]  # its name, its content


def read(encoded: bytes) -> Header:
    """Read the header; raise UnreadableImage."""
    chunks = list(_chunks(encoded))
    width, height = _size(chunks)
    sets = sum(_sets(kind, content, width, height) for kind, content in _pictures(chunks))
    exif = next((content for kind, content in chunks if kind == b"EXIF"), b"")
    pixels = width * height
    return Header(
        "WEBP", width, height, exif,
        seconds=pixels * PER_PIXEL + len(encoded) * PER_BYTE + sets * PER_SET,
        memory=pixels * BYTES_PER_PIXEL + len(encoded) + sets * BYTES_PER_SET,
        essence=partial(_essence, chunks),
    )  # fmt: skip


def matches(encoded: bytes) -> bool:
    """Tell whether these bytes say that they are a WebP."""
    return encoded[:4] == b"RIFF" and encoded[8:12] == b"WEBP"


def _chunks(encoded: bytes) -> Iterator[Chunk]:
    """Yield the chunks up to the first picture of an animation, and the metadata behind a single one."""
    at = 12
    for _ in range(MOST_CHUNKS):
        if at + 8 > len(encoded):
            return
        kind, size = encoded[at : at + 4], int.from_bytes(encoded[at + 4 : at + 8], "little")
        yield kind, encoded[at + 8 : at + 8 + size]
        if kind == b"ANMF":
            return
        at += 8 + size + size % 2
    raise TooCostly(f"a WEBP that takes too long to decode: it has more than {MOST_CHUNKS:,} parts")


def _pictures(chunks: list[Chunk]) -> Iterator[Chunk]:
    """Yield the chunks that hold pictures, also those of the first frame of an animation."""
    for kind, content in chunks:
        if kind == b"ANMF":
            yield from _chunks(bytes(12) + content[FRAME_HEADER:])
        else:
            yield kind, content


def _sets(kind: bytes, content: bytes, width: int, height: int) -> int:
    """Return how many sets of prefix codes a chunk brings along; transparency can be packed like a lossless picture."""
    if kind == b"VP8L" and len(content) > LOSSLESS_HEADER:
        bits = int.from_bytes(content[1:LOSSLESS_HEADER], "little")
        return vp8l.sets(content[LOSSLESS_HEADER:], (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"ALPH" and content[:1] and content[0] & 3 == 1:
        return vp8l.sets(content[ALPHA_HEADER:], width, height)
    return 0


def _size(chunks: list[Chunk]) -> tuple[int, int]:
    """Return width and height of the canvas, as the first chunk says them."""
    match chunks:
        case [(b"VP8X", content), *_] if len(content) >= 10:  # noqa: PLR2004  (the field's own layout)
            return int.from_bytes(content[4:7], "little") + 1, int.from_bytes(content[7:10], "little") + 1
        case [(b"VP8L", content), *_] if content[:1] == b"\x2f" and len(content) >= 5:  # noqa: PLR2004
            bits = int.from_bytes(content[1:5], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case [(b"VP8 ", content), *_] if content[3:6] == b"\x9d\x01\x2a" and len(content) >= 10:  # noqa: PLR2004
            width, height = (int.from_bytes(content[at : at + 2], "little") & 0x3FFF for at in (6, 8))
            if width * height:
                return width, height
    raise UnreadableImage("damaged image")


def _essence(chunks: list[Chunk]) -> bytes:
    body = b"".join(_written(kind, content) for kind, content in chunks if kind in PICTURE)
    return b"RIFF" + (4 + len(body)).to_bytes(4, "little") + b"WEBP" + body


def _written(kind: bytes, content: bytes) -> bytes:
    if kind == b"VP8X":
        content = bytes([content[0] & (ALPHA | ANIMATION)]) + content[1:]
    return kind + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)
