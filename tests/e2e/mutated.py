"""Photos that went wrong: small JPEG, PNG and WebP files, changed in the ways in which files break or are broken."""

import random
import struct
from collections.abc import Callable, Iterator

from PIL import Image

from tests.unit.imaging.bombs import encoded

Mutation = Callable[[bytearray, random.Random], None]


def originals(photo: Image.Image) -> list[tuple[str, bytes]]:
    """One of each kind that cameras and programs write, with its media type."""
    small = photo.resize((160, 120))
    exif = Image.Exif()
    exif[274] = 6
    return [
        ("jpeg", encoded(small, "JPEG", exif=exif)),
        ("jpeg", encoded(small, "JPEG", progressive=True)),
        ("jpeg", encoded(small.convert("CMYK"), "JPEG")),
        ("jpeg", encoded(small, "MPO", save_all=True, append_images=[small])),
        ("png", encoded(small, "PNG")),
        ("png", encoded(small.quantize(16), "PNG", transparency=bytes(range(16)))),
        ("png", encoded(small.convert("LA"), "PNG")),
        ("png", encoded(small, "PNG", save_all=True, append_images=[small.rotate(180)])),
        ("webp", encoded(small, "WEBP", exif=exif)),
        ("webp", encoded(small.convert("RGBA"), "WEBP", lossless=True)),
        ("webp", encoded(small, "WEBP", save_all=True, append_images=[small.rotate(180)])),
    ]


def flip_bits(photo: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 8)):
        photo[somewhere(photo, rng)] ^= 1 << rng.randrange(8)


def cut(photo: bytearray, rng: random.Random) -> None:
    del photo[rng.randrange(len(photo)) :]


def leave_out(photo: bytearray, rng: random.Random) -> None:
    start = somewhere(photo, rng)
    del photo[start : start + rng.randint(1, 100)]


def repeat(photo: bytearray, rng: random.Random) -> None:
    start = somewhere(photo, rng)
    photo[start:start] = photo[start : start + rng.randint(1, 200)] * rng.randint(1, 50)


def lie_about_a_size(photo: bytearray, rng: random.Random) -> None:
    start = rng.randrange(max(1, min(200, len(photo) - 4)))
    photo[start : start + 4] = struct.pack(
        rng.choice("<>") + "I", rng.choice((0, 1, 0xFFFF, 0xFFFFFFFF, 1 << 31, 70_000))
    )


def put_noise(photo: bytearray, rng: random.Random) -> None:
    start = somewhere(photo, rng)
    photo[start:start] = rng.randbytes(rng.randint(1, 2000))


def put_markers(photo: bytearray, rng: random.Random) -> None:
    start = somewhere(photo, rng)
    photo[start:start] = bytes(
        [0xFF, rng.choice((0xD8, 0xD9, 0xDA, 0xC0, 0xC2, 0xC4, 0xDD, 0xE1, 0xFE))]
    ) * rng.randint(1, 500)


MUTATIONS: tuple[Mutation, ...] = (
    flip_bits, flip_bits, cut, leave_out, repeat, lie_about_a_size, lie_about_a_size, put_noise, put_markers,
)  # fmt: skip


def somewhere(photo: bytearray, rng: random.Random) -> int:
    """A place in a photo, in its head more often than not: there most can go wrong."""
    return rng.randrange(max(1, len(photo) if rng.random() < 0.4 else min(120, len(photo))))


def mutated(photo: Image.Image, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield so many, always the same for a seed."""
    rng, kinds = random.Random(seed), originals(photo)  # noqa: S311
    for number in range(count):
        media_type, content = kinds[number % len(kinds)]
        changed = bytearray(content)
        for _ in range(rng.randint(1, 3)):
            rng.choice(MUTATIONS)(changed, rng)
        yield media_type, bytes(changed)
