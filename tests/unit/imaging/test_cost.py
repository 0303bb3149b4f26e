"""What takes too long or too much memory is refused before it is decoded; what people have is not."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from imaging import cost, decode
from imaging.cost import judge
from imaging.decode import read
from imaging.errors import TooCostly, TooManyPixels, UnreadableImage
from tests.unit.imaging import bombs


@pytest.fixture
def no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every decoder fail, so that what is refused is refused before it."""

    def decoded(*_: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(decode, "_decode_jpeg", decoded)
    monkeypatch.setattr(decode, "_decode_by_pillow", decoded)


@pytest.mark.parametrize(
    "bomb",
    [
        bombs.jpeg_of_scans(7000, 7000, 3000),
        bombs.jpeg_of_scans(7000, 7000, 60),
        bombs.jpeg_of_scans(2000, 2000, 1000),
        # What looks like the end of the picture, or like one long segment, is within a comment.
        bombs.jpeg_of_scans(7000, 7000, 500, disguise=bombs.segment(0xFE, b"\xff\xd9")),
        bombs.jpeg_of_scans(7000, 7000, 500, disguise=bombs.segment(0xFE, b"\xff\xda" * 5) + b"\xff" * 50),
        bombs.jpeg_of_scans(7000, 7000, 500, disguise=b"\xff\xd0\xff\x00"),
        bombs.jpeg_of_scans(7000, 7000, 2).replace(b"\xff\xc2", b"\xff\xca", 1),  # arithmetic codes
        bombs.webp(7000, 7100),
        bombs.webp(16_383, 3000),
        bombs.webp_of_codes(720),
        bombs.png(7000, 7000, colours=6),
        bombs.png(7000, 7000, colours=0),
        bombs.jpeg_of_scans(700, 65_000, 1),  # too narrow to be decoded at half its size
        bombs.png(1, 35_700_000, colours=0),  # all rows, and each costs
        bombs.png(5000, 5000, depth=16, colours=6),
    ],
)
@pytest.mark.usefixtures("no_decoder")
def test_a_bomb_is_refused_in_words(bomb: bytes) -> None:
    with pytest.raises(TooCostly, match=r"too long|too much memory"):
        read(bomb, 64, np.copy)


@pytest.mark.usefixtures("no_decoder")
def test_parts_without_end_are_not_counted_to_the_end() -> None:
    scans, segments = bombs.jpeg_of_scans(64, 64, 3)[:-2], b"\xff\xfe\0\2" * 2_000_000

    with pytest.raises(TooCostly, match="parts"):
        judge(scans + segments + b"\xff\xd9")


@pytest.mark.usefixtures("no_decoder")
def test_a_header_without_end_is_refused() -> None:
    for junk in (bombs.segment(0xFE, b"") * 500_000, b"\xff\x01" * 500_000, b"\xff" * 1_000_000 + b"\xfe\0\2" * 2000):
        with pytest.raises(UnreadableImage):
            judge(b"\xff\xd8" + junk)
    with pytest.raises(TooCostly, match="parts"):
        judge(bombs.png(8, 8, extra=bombs.chunk(b"tEXt", b"a\0b") * 30_000))
    with pytest.raises(TooCostly, match="parts"):
        judge(b"RIFF\0\0\0\0WEBP" + b"JUNK\0\0\0\0" * 5000)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("size", [(1, 1), (640, 480), (4000, 3000)])
def test_what_people_have_is_taken(cat: Image.Image, kind: str, size: tuple[int, int]) -> None:
    photo = bombs.encoded(cat.resize(size), kind)

    assert judge(photo).large == (size == (4000, 3000))
    assert read(photo, 64, lambda pixels: pixels.shape[2]) == 3


@pytest.mark.parametrize("sampling", [0, 2])
def test_a_large_progressive_jpeg_is_taken(cat: Image.Image, sampling: int) -> None:
    photo = bombs.encoded(cat.resize((6000, 4000)), "JPEG", progressive=True, subsampling=sampling)

    assert judge(photo).large
    assert read(photo, 500, lambda pixels: pixels.shape) == (500, 750, 3)


def test_the_largest_jpeg_of_a_phone_is_taken(cat: Image.Image) -> None:
    assert judge(bombs.encoded(cat.resize((8160, 6120)), "JPEG")).large


def test_the_largest_png_of_a_camera_is_taken() -> None:
    assert judge(bombs.png(6000, 4000)).large


def test_one_pass_of_a_progressive_jpeg_keeps_its_coefficients() -> None:
    assert judge(bombs.jpeg_of_scans(1000, 1000, 1)).memory >= 7_000_000 + 2_000_000


def test_more_passes_cost_more() -> None:
    few, many = (judge(bombs.jpeg_of_scans(1000, 1000, scans)).seconds for scans in (2, 202))

    assert many - few == pytest.approx(0.2, rel=0.01)  # a nanosecond for each pixel and pass, and few bytes


def test_further_pictures_of_a_phone_are_not_read(cat: Image.Image) -> None:
    alone = bombs.encoded(cat, "JPEG")
    several = bombs.encoded(cat, "MPO", save_all=True, append_images=[cat.rotate(180)] * 40)
    assert Image.open(io.BytesIO(several)).format == "MPO"

    assert np.array_equal(read(several, 64, np.copy), read(alone, 64, np.copy))
    assert judge(several).seconds < 0.05


@pytest.mark.parametrize(
    "extra",
    [
        bombs.chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2_000_000))),
        bombs.chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(2_000_000))),
        bombs.chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(50_000_000))),
        bombs.chunk(b"tEXt", b"Comment\0x") * 5000,
        bombs.chunk(b"acTL", struct.pack(">II", 2, 0)),
        bombs.chunk(b"eXIf", b"II*\0\x08\0\0\0\xff\xff" + struct.pack("<HHII", 0x10F, 7, 700_000, 8) * 65_535),
    ],
)
def test_metadata_are_not_read(extra: bytes) -> None:
    assert np.array_equal(read(bombs.png(40, 30, extra=extra), 16, np.copy), np.zeros((30, 40, 3), np.uint8))


def test_a_bomb_in_the_metadata_of_a_jpeg_is_not_read(cat: Image.Image) -> None:
    entries = struct.pack("<HHII", 0x10F, 7, 60_000, 8) * 5000
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 5000) + entries
    plain = bombs.encoded(cat.convert("CMYK"), "JPEG")  # which Pillow decodes, and Pillow likes metadata
    photo = plain[:2] + bombs.segment(0xE1, exif) + plain[2:]

    assert np.array_equal(read(photo, 64, np.copy), read(plain, 64, np.copy))


@pytest.mark.usefixtures("no_decoder")
def test_bytes_are_counted_before_all_else() -> None:
    with pytest.raises(TooCostly, match="16,777,217 bytes, at most 16,777,216"):
        judge(bombs.jpeg_of_scans(64, 64, 3).ljust(16 * 1024 * 1024 + 1, b"\xff"))


def test_pixels_are_counted_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "MAX_PIXELS", 1199)

    with pytest.raises(TooManyPixels, match="1,200 pixels, at most 1,199"):
        judge(bombs.png(40, 30))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_picture_counts(cat: Image.Image, kind: str) -> None:
    alone = bombs.encoded(cat, kind, lossless=True)
    moving = bombs.encoded(cat, kind, lossless=True, save_all=True, append_images=[cat.rotate(180)] * 3)

    assert np.array_equal(read(moving, 64, np.copy), read(alone, 64, np.copy))
