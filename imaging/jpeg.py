"""The header of a JPEG (ITU-T T.81, annex B), and what decoding it takes.

A progressive JPEG is drawn in passes, and each goes over the whole picture, however little there is in it: thousands of
nearly empty ones fit into a file that is small.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from imaging.errors import TooCostly, UnreadableImage
from imaging.exif import PREFIX
from imaging.header import BYTES_PER_PIXEL, Header

MAGIC = b"\xff\xd8\xff"
MARKER = re.compile(rb"\xff[^\x00\xff]")
# Within a scan there are stuffed zeros and restart markers, too.
AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
SOI, EOI, SOS, DNL, APP0, APP1, APP14, COM = 0xD8, 0xD9, 0xDA, 0xDC, 0xE0, 0xE1, 0xEE, 0xFE
ALONE = {0x01, SOI, *range(0xD0, 0xD8)}  # markers without a length
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
PROGRESSIVE, ARITHMETIC = {0xC2, 0xCA}, {0xC9, 0xCA}
# The others are lossless or parts of a hierarchy. libjpeg-turbo decodes some of them, none at a fraction of its size.
TAKEN, PRECISION = {0xC0, 0xC1} | PROGRESSIVE | ARITHMETIC, 8
METADATA = {*range(0xE0, 0xF0), COM} - {APP0, APP14}  # those two say what the colours are
LOOKED_AT = 640  # pixels of the shorter side: the thumbnail's, and more than the model's
MOST_SEGMENTS = 1000  # before the first scan, and from then on

# Nanoseconds on one core, measured with libjpeg-turbo 3 on photographs and on bombs, rounded up: for each sample of a
# component, for each pixel in each further pass, for each byte of Huffman codes; and for each sample in each pass of
# arithmetic codes, of which a byte can hold thousands.
PER_SAMPLE, PER_PASS, PER_BYTE, PER_ARITHMETIC = 2.5e-9, 1e-9, 25e-9, 60e-9


class Segment(NamedTuple):
    """One marker segment: the marker's code, where the marker begins, where the content begins and ends."""

    code: int
    start: int
    content: int
    end: int


class Frame(NamedTuple):
    """What a frame header says: `samples` is how many values all components have together."""

    code: int
    width: int
    height: int
    components: int
    samples: int


def read(encoded: bytes) -> Header:
    """Read the header; raise UnreadableImage."""
    segments = list(_segments(encoded))
    frames = [each for each in segments if each.code in FRAMES]
    if len(frames) != 1 or segments[-1].code != SOS:
        raise UnreadableImage("damaged image")
    frame, last = _frame(encoded, frames[0]), segments[-1]
    passes = _passes(encoded, frame, last)
    return Header(
        "JPEG", frame.width, frame.height, _exif(encoded, segments),
        seconds=_seconds(frame, passes, len(encoded)), memory=_memory(frame, passes > 1 or frame.code in PROGRESSIVE),
        essence=partial(_essence, encoded, segments),
    )  # fmt: skip


def _segments(encoded: bytes) -> Iterator[Segment]:
    """Yield the segments up to the first scan; what lies between two is skipped, as decoders do."""
    at = len(MAGIC) - 1
    for _ in range(MOST_SEGMENTS):
        found = MARKER.search(encoded, at)
        if found is None:
            return
        start, at = found.span()
        code = encoded[at - 1]
        if code in ALONE:
            continue
        length = max(2, int.from_bytes(encoded[at : at + 2]))  # of itself and the content
        yield Segment(code, start, at + 2, at + length)
        if code in {SOS, EOI}:
            return
        at += length
    raise TooCostly(f"a JPEG that takes too long to decode: its header has more than {MOST_SEGMENTS:,} parts")


def _frame(encoded: bytes, segment: Segment) -> Frame:
    content = encoded[segment.content : segment.end]
    # Precision, height, width, number of components; for each of them an id, how densely it is sampled, a table.
    height, width, components = int.from_bytes(content[1:3]), int.from_bytes(content[3:5]), content[5:6]
    factors = [divmod(each, 16) for each in content[7::3]]
    if not (width and height and factors) or components[0] != len(factors) or not all(map(all, factors)):
        raise UnreadableImage("damaged image")
    if segment.code not in TAKEN or content[0] != PRECISION:
        raise UnreadableImage(
            "a rare kind of JPEG: lossless, hierarchical, or of other than 8 bits a colour; save it as an ordinary one"
        )
    dense = max(across for across, _ in factors) * max(down for _, down in factors)
    samples = width * height * sum(across * down for across, down in factors) / dense
    return Frame(segment.code, width, height, len(factors), round(samples))


def _passes(encoded: bytes, frame: Frame, first: Segment) -> int:
    """Return how often a decoder goes over the picture: once where one scan holds everything."""
    if frame.code not in PROGRESSIVE and encoded[first.content : first.content + 1] == bytes([frame.components]):
        return 1
    passes, at = 1, first.end
    for _ in range(MOST_SEGMENTS):
        found = AFTER_SCAN.search(encoded, at)
        if found is None or encoded[found.end() - 1] == EOI:
            return passes
        at = found.end()
        code = encoded[at - 1]
        passes += code == SOS
        at += int.from_bytes(encoded[at : at + 2]) if code not in ALONE else 0
    raise TooCostly(f"a JPEG that takes too long to decode: it has more than {MOST_SEGMENTS:,} parts")


def _seconds(frame: Frame, passes: int, size: int) -> float:
    seconds = frame.samples * PER_SAMPLE + frame.width * frame.height * (passes - 1) * PER_PASS + size * PER_BYTE
    return seconds + (frame.samples * passes * PER_ARITHMETIC if frame.code in ARITHMETIC else 0.0)


def _memory(frame: Frame, keeps_coefficients: bool) -> int:  # noqa: FBT001
    """Count the pixels that somebody looks at; between passes the coefficients are kept, too, two bytes each.

    Where even half of it is more than anybody asks for, no more than that is decoded (`decode.FRACTIONS`).
    """
    pixels = frame.width * frame.height // (4 if min(frame.width, frame.height) >= 2 * LOOKED_AT else 1)
    return BYTES_PER_PIXEL * pixels + (2 * frame.samples if keeps_coefficients else 0)


def _exif(encoded: bytes, segments: list[Segment]) -> bytes:
    contents = (encoded[each.content : each.end] for each in segments if each.code == APP1)
    return next((content for content in contents if content.startswith(PREFIX)), b"")


def _essence(encoded: bytes, segments: list[Segment]) -> bytes:
    kept = (encoded[each.start : each.end] for each in segments[:-1] if each.code not in METADATA)
    return b"".join((MAGIC[:2], *kept, encoded[segments[-1].start :]))
