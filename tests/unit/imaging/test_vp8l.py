"""How many sets of codes a lossless WebP brings along, read from what encoders write and from what they do not."""

import io
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imaging import vp8l
from imaging.cost import judge
from imaging.vp8l import MOST_SETS, sets
from tests.unit.imaging import bombs

MOST_OF_AN_ENCODER = 2600  # what libwebp allows itself (MAX_HUFF_IMAGE_SIZE)
HEADER = 25  # of the file, of the chunk, and of the picture


@pytest.mark.parametrize("method", [0, 3, 4, 6])
@pytest.mark.parametrize("colours", [0, 2, 4, 16, 200])
@pytest.mark.parametrize("size", [(640, 480), (333, 1200), (1500, 1000)])
def test_what_an_encoder_writes_is_read(cat: Image.Image, size: tuple[int, int], colours: int, method: int) -> None:
    picture = cat.resize(size)
    if colours:
        picture = picture.quantize(colours).convert("RGB")
    encoded = bombs.encoded(picture, "WEBP", lossless=True, method=method)

    assert sets(encoded[HEADER:], *size) <= MOST_OF_AN_ENCODER
    assert judge(encoded).memory < 100_000_000


@pytest.mark.parametrize(("side", "block", "expected"), [(1024, 2, MOST_SETS), (512, 2, 16_384), (512, 3, 4096)])
def test_the_sets_of_a_bomb_are_counted(side: int, block: int, expected: int) -> None:
    bomb = bombs.webp_of_codes(side, block)
    with Image.open(io.BytesIO(bomb)) as image:  # it is one, and legal
        assert image.size == (side, side)

    assert sets(bomb[HEADER:], side, side) == expected


def test_what_would_be_tedious_to_read_counts_as_the_worst(cat: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = bombs.encoded(cat.resize((640, 480)), "WEBP", lossless=True)
    monkeypatch.setattr(vp8l, "MOST_TOKENS", 10)

    assert sets(encoded[HEADER:], 640, 480) == 640 * 480 // 16


@given(st.binary(max_size=3000), st.integers(1, 16_384), st.integers(1, 16_384))
@settings(max_examples=500)
def test_any_bytes_have_a_number(content: bytes, width: int, height: int) -> None:
    # Behind the beginning of a transform whose codes are written out: there most can go wrong.
    for begins in (b"", b"\x01", b"\x07", b"\x0b"):
        stream = begins + content
        assert 0 < sets(stream, width, height) <= MOST_SETS
        with suppress(ValueError, LookupError):
            vp8l.Reader(stream).blocks(width, height)


@given(st.data())
def test_damage_costs_no_more_than_the_worst(data: st.DataObject) -> None:
    content = bytearray(bombs.webp_of_codes(256)[HEADER:])
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, 60))] ^= 1 << data.draw(st.integers(0, 7))

    assert 0 < sets(bytes(content), 256, 256) <= 4096
