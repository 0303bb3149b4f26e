import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from webapp.images import ImageTooLarge, UndecodableImage, check_image


def encoded(kind: str, mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind)
    return out.getvalue()


def huge_png(width: int, height: int) -> bytes:
    """A few KB that claim to be a picture of these sizes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(5000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_the_types_that_are_taken(kind: str, media_type: str) -> None:
    image = check_image(encoded(kind))
    assert (image.media_type, image.width, image.height) == (media_type, 40, 30)
    assert Image.open(io.BytesIO(image.thumbnail)).size == (40, 30)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_mode_gets_a_thumbnail(mode: str) -> None:
    assert check_image(encoded("PNG", mode)).thumbnail


def test_a_photo_taken_with_a_turned_camera_is_measured_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: rotate by 90 degrees
    out = io.BytesIO()
    Image.new("RGB", (40, 30)).save(out, "JPEG", exif=exif)
    image = check_image(out.getvalue())
    assert (image.width, image.height) == (30, 40)


def test_damaged_metadata_do_not_spoil_a_good_photo() -> None:
    out = io.BytesIO()
    Image.new("RGB", (40, 30)).save(out, "PNG", exif=b"II*\0")
    image = check_image(out.getvalue())
    assert (image.width, image.height) == (40, 30)


@pytest.mark.parametrize("content", [b"", b"text named .jpg", encoded("GIF"), encoded("BMP")])
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(UndecodableImage, match="neither JPEG, PNG nor WebP"):
        check_image(content)


def test_a_truncated_photo_is_refused(jpeg: bytes) -> None:
    with pytest.raises(UndecodableImage, match="truncated"):
        check_image(jpeg[: len(jpeg) // 2])


@pytest.mark.parametrize("size", [(8_000, 8_000), (20_000, 20_000), (2_000_000_000, 2_000_000_000)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    content = huge_png(*size)
    assert len(content) < 10_000
    with pytest.raises(ImageTooLarge, match="50,000,000"):
        check_image(content)


@settings(max_examples=200)
@given(data=st.data())
def test_damage_anywhere_is_taken_or_refused_in_words(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from([encoded("JPEG"), encoded("PNG"), encoded("WEBP")])))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        check_image(bytes(content))
    except (UndecodableImage, ImageTooLarge) as error:
        assert str(error)  # noqa: PT017  (either outcome is fine; what is refused must say why)
