"""What is decoded without Pillow is what Pillow would have decoded, bit by bit; and nothing else is refused."""

import io

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from imaging import cost
from imaging import decode as module
from imaging.cost import read_header
from imaging.errors import UnreadableImage


def decoded_by_pillow(encoded: bytes, at_least: int) -> np.ndarray:
    with Image.open(io.BytesIO(encoded)) as image:
        image.draft(None, (at_least, at_least))
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def decode(encoded: bytes, at_least: int) -> np.ndarray:
    return module.read(encoded, at_least, np.copy)


def saved(image: Image.Image, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


@st.composite
def jpegs(draw) -> bytes:
    """Any JPEG that a camera or a web page may send: noise and edges, where rounding would show first.

    At most 120 pixels a side: Pillow cannot write more than 64 kB of progressive JPEG to memory.
    """
    width, height = draw(st.integers(8, 120)), draw(st.integers(8, 120))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    image = Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))
    image.paste("white", (0, 0, width // 2, height // 2))
    exif = Image.Exif()
    exif[274] = draw(st.integers(0, 9))
    return saved(
        image.convert(draw(st.sampled_from(["RGB", "L", "CMYK"]))),
        quality=draw(st.integers(10, 95)),
        subsampling=draw(st.integers(0, 2)),
        progressive=draw(st.booleans()),
        exif=exif if draw(st.booleans()) else b"",
    )


@given(jpegs(), st.integers(1, 64))
def test_any_jpeg(encoded, at_least):
    assert np.array_equal(decode(encoded, at_least), decoded_by_pillow(encoded, at_least))


@given(jpegs(), st.data())
@settings(max_examples=300)
def test_what_pillow_reads_of_a_damaged_jpeg(encoded, data):
    damaged = bytearray(encoded)
    for place in data.draw(st.lists(st.integers(3, len(encoded) - 1), min_size=1, max_size=4)):
        damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        expected = decoded_by_pillow(bytes(damaged), 64)
    except Exception:  # noqa: BLE001  Pillow's own, of any kind
        return
    assert np.array_equal(decode(bytes(damaged), 64), expected)


@pytest.mark.parametrize("width", [447, 448, 895, 896, 1200, 1791, 1792, 3585, 4000])
def test_large_jpegs_are_decoded_at_the_same_fraction(cat, width):
    encoded = saved(cat.resize((width, width * 3 // 4)))

    assert np.array_equal(decode(encoded, 448), decoded_by_pillow(encoded, 448))


def takes(encoded: bytes) -> bool:
    return module._decode_jpeg(encoded, read_header(encoded), 64) is not None


def test_pillow_is_spared_where_it_can_be(cat):
    assert takes(saved(cat))
    assert takes(saved(cat, progressive=True, subsampling=0))
    assert takes(saved(cat.convert("L")))
    assert not takes(saved(cat.convert("CMYK")))
    assert not takes(saved(cat)[:-100])


def test_what_is_decoded_is_what_was_counted(cat, monkeypatch):
    # Bytes in which two parsers find two headers must not smuggle a picture past the limit.
    monkeypatch.setattr(simplejpeg, "decode_jpeg_header", lambda _: (60_000, 60_000, "YCbCr", "420"))

    assert not takes(saved(cat))


def test_the_limit_counts_the_pixels_of_the_header(cat, monkeypatch):
    monkeypatch.setattr(cost, "MAX_PIXELS", cat.width * cat.height - 1)

    with pytest.raises(UnreadableImage, match=f"{cat.width * cat.height:,} pixels, at most"):
        decode(saved(cat), 64)
