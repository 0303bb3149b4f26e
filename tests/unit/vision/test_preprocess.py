"""Whatever the bytes: pixels or `UnreadableImage`. Warnings are errors here, so none leaks either."""

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vision import reference
from vision.errors import UnreadableImage
from vision.preprocess import preprocess


def saved(image: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def small_photo() -> Image.Image:
    rows, columns = np.mgrid[0:40, 0:60]
    return Image.fromarray(np.stack([rows * 6, columns * 4, (rows * columns) % 256], axis=2).astype(np.uint8))


def small_photos() -> list[bytes]:
    photo = small_photo()
    exif = Image.Exif()
    exif[274] = 6
    return [
        saved(photo, "JPEG", exif=exif),
        saved(photo, "JPEG", progressive=True),
        saved(photo.convert("CMYK"), "JPEG"),
        saved(photo, "PNG", exif=exif),
        saved(photo.quantize(16), "PNG", transparency=bytes(range(16))),
        saved(photo, "PNG", save_all=True, append_images=[photo.rotate(180)]),
        saved(photo, "WEBP", exif=exif),
        saved(photo.convert("RGBA"), "WEBP", lossless=True),
    ]


SMALL_PHOTOS = small_photos()
MAGIC = (b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\x00\x01\x00\x00WEBPVP8 ")


def pixels_or_unreadable(encoded: bytes) -> None:
    try:
        pixels = preprocess(encoded, 32)
    except UnreadableImage:
        return
    assert (pixels.shape, pixels.dtype) == ((32, 32, 3), np.uint8)


@given(st.sampled_from(MAGIC), st.binary(max_size=200))
def test_random_bytes(magic, rest):
    pixels_or_unreadable(magic + rest)


@given(st.sampled_from(SMALL_PHOTOS), st.data())
def test_truncated_photos(photo, data):
    pixels_or_unreadable(photo[: data.draw(st.integers(0, len(photo) - 1))])


@given(st.sampled_from(SMALL_PHOTOS), st.data())
@settings(max_examples=400)
def test_photos_with_flipped_bits(photo, data):
    damaged = bytearray(photo)
    # Most of what can go wrong is in the headers.
    places = st.one_of(st.integers(0, 60), st.integers(0, len(photo) - 1))
    for place in data.draw(st.lists(places, min_size=1, max_size=8)):
        damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    pixels_or_unreadable(bytes(damaged))


def mean_difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize(
    ("mode", "kind", "options", "tolerance"),
    [
        ("RGB", "PNG", {}, 0),
        ("RGB", "WEBP", {"lossless": True}, 0),
        ("RGB", "JPEG", {"quality": 95}, 3),
        ("CMYK", "JPEG", {"quality": 95}, 3),
        ("RGBA", "PNG", {}, 0),
        ("RGBA", "WEBP", {"lossless": True}, 0),
        ("P", "PNG", {}, 30),
    ],
)
def test_every_encoding_gives_the_same_picture(cat, encode, mode, kind, options, tolerance):
    expected = preprocess(encode(cat), 224)

    assert mean_difference(preprocess(encode(cat.convert(mode), kind, **options), 224), expected) <= tolerance


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grey_has_three_equal_channels(cat, encode, mode):
    pixels = preprocess(encode(cat.convert(mode)), 224)

    assert (pixels == pixels[:, :, :1]).all()
    assert pixels.std() > 10


def test_sixteen_bits_of_grey_are_scaled_not_clipped(cat, encode):
    grey = np.asarray(cat.convert("L"))
    deep = Image.fromarray(grey.astype(np.uint16) * 256 + 77)
    assert deep.mode.startswith("I;16")

    assert (preprocess(encode(deep), 224) == preprocess(encode(Image.fromarray(grey)), 224)).all()


def test_what_is_transparent_is_white(encode):
    clear = Image.new("RGBA", (50, 50), (200, 0, 0, 0))

    assert (preprocess(encode(clear), 32) == 255).all()
    assert (preprocess(encode(clear.convert("RGB").quantize(2), transparency=0), 32) == 255).all()


def test_crops_the_middle_seven_eighths_of_the_short_side(encode):
    # Of 160 x 80, columns 45 to 115 and rows 5 to 75 are all that may be seen: a frame outside leaves no trace.
    framed = Image.new("RGB", (160, 80), "red")
    framed.paste((0, 0, 255), (45, 5, 115, 75))
    assert (preprocess(encode(framed), 70) == (0, 0, 255)).all()

    framed.putpixel((45, 5), (255, 0, 0))
    assert preprocess(encode(framed), 70)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_applied(encode, orientation, kind):
    upright = Image.new("RGB", (80, 80), "white")
    upright.paste("red", (0, 0, 40, 40))
    upright.paste("blue", (40, 0, 80, 40))
    # How a camera stores an upright picture: the inverse of the turn that the tag asks for.
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = upright.transpose(Image.Transpose(turns[orientation])) if orientation in turns else upright
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}

    pixels = preprocess(encode(stored, kind, exif=exif, **options), 32)

    assert mean_difference(pixels, preprocess(encode(upright), 32)) < 3


@pytest.mark.parametrize("exif", [b"nonsense", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\x09\0\x12\x01"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damaged_metadata_does_not_spoil_a_photo(cat, encode, kind, exif):
    with_metadata = encode(cat, kind, exif=b"Exif\0\0" + exif)

    assert (preprocess(with_metadata, 32) == preprocess(encode(cat, kind), 32)).all()


def test_large_jpegs_are_decoded_smaller_but_look_the_same(cat, encode):
    large = cat.resize((cat.width * 4, cat.height * 4), Image.Resampling.BICUBIC)

    assert mean_difference(preprocess(encode(large, "JPEG", quality=95), 224), preprocess(encode(large), 224)) < 3


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (7, 3)])
def test_tiny_images_are_images(encode, size):
    assert (preprocess(encode(Image.new("RGB", size, "red")), 32) == (255, 0, 0)).all()


def test_photographs_give_the_pixels_of_pillow(photos, encode):
    for name in ("astronaut.png", "camera.png", "coins.png", "motorcycle_left.png", "retina.jpg", "rocket.jpg"):
        photograph = Image.open(photos / name).convert("RGB")
        for width in (150, 360, 640, 1000, 2000):
            photo = encode(photograph.resize((width, round(photograph.height * width / photograph.width))), "JPEG")
            differing = np.abs(preprocess(photo, 224).astype(int) - reference.preprocess(photo, 224))
            # Both round to 8 bits twice, and not always alike.
            assert differing.max() <= 2, (name, width)
            assert (differing > 0).mean() < 0.02, (name, width)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 100), st.integers(0, 1000))
def test_any_size_is_resized_as_by_pillow(width, height, size, seed):
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)  # the hardest to resize alike
    encoded = saved(Image.fromarray(noise), "PNG")

    assert np.abs(preprocess(encoded, size).astype(int) - reference.preprocess(encoded, size)).max() <= 2


def test_threads_do_not_disturb_each_other(photos, encode):
    photographs = [
        encode(Image.open(photos / name).convert("RGB"), "JPEG") for name in ("rocket.jpg", "coffee.png")
    ] * 20
    alone = [preprocess(photo, 224) for photo in photographs]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda photo: preprocess(photo, 224), photographs))

    assert all(map(np.array_equal, alone, together))


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", b"")
    )


def webp_header(width: int, height: int) -> bytes:
    encoded = bytearray(saved(small_photo(), "WEBP"))
    encoded[26:30] = struct.pack("<HH", width, height)
    return bytes(encoded)


@pytest.mark.parametrize(
    ("encoded", "words"),
    [
        (b"", "not an image"),
        (b"hello", "not an image"),
        (b"GIF89a" + b"\0" * 100, "not an image: neither JPEG, PNG nor WebP"),
        (b"RIFF\0\0\0\0WAVEfmt ", "not an image"),
        (SMALL_PHOTOS[0][:-200], "truncated"),
        (SMALL_PHOTOS[3][:-200], "truncated"),
        (SMALL_PHOTOS[6][:-50], "damaged"),
        (b"\xff\xd8\xff" + b"\0" * 50, "damaged"),
        (png_header(20_000, 20_000), "400,000,000 pixels, at most 50,000,000"),
        (png_header(10_000, 5_001), "50,010,000 pixels, at most 50,000,000"),
        (webp_header(16_383, 16_383), "268,402,689 pixels, at most 50,000,000"),
    ],
)
def test_says_what_is_wrong(encoded, words):
    with pytest.raises(UnreadableImage, match=words):
        preprocess(encoded, 32)


def test_keeps_the_cause():
    with pytest.raises(UnreadableImage) as caught:
        preprocess(SMALL_PHOTOS[0][:-200], 32)

    assert isinstance(caught.value.__cause__, OSError)


def test_the_limit_is_checked_before_decoding():
    # Within the limit the same header gets as far as its missing pixels.
    with pytest.raises(UnreadableImage, match=r"truncated|damaged"):
        preprocess(png_header(100, 100), 32)
