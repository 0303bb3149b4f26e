"""What a photo takes is no more than it was judged by: all kinds of PNG, and of WebP and JPEG those that take most.

Memory is measured, each photo in a process of its own, whose peak is the photo's. Seconds were measured once, on one
core of a quiet machine of two: a test that measures them would fail on a busy one.
"""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from imaging.cost import judge
from tests.conftest import ROOT
from tests.unit.imaging import bombs

MARGIN = 8_000_000  # bytes of code that is loaded, and of bands

PROGRAM = """
import sys
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
import numpy as np
from PIL import Image
from imaging import cost
from imaging.decode import read
from tests.unit.imaging import bombs
cost.MAX_MEMORY = 10**9
read(bombs.png(40, 30), 64, Image.fromarray)  # all is loaded
encoded = Path(sys.argv[1]).read_bytes()
judged, unit = cost.judge(encoded), 1 if sys.platform == "darwin" else 1024
before = getrusage(RUSAGE_SELF).ru_maxrss
read(encoded, 448, Image.fromarray)
print(judged.memory, unit * (getrusage(RUSAGE_SELF).ru_maxrss - before))
"""


def takes_no_more_than_judged(encoded: bytes, folder: Path) -> None:
    (folder / "photo").write_bytes(encoded)
    argv = [sys.executable, "-c", PROGRAM, folder / "photo"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    memory, peak = map(float, done.stdout.split())
    assert peak < memory + MARGIN


def png(width: int, height: int, depth: int, colours: int, *, interlaced: bool, method: int = 4) -> bytes:
    """A whole PNG of noise that repeats, so that the file is small; `method` is how its rows are filtered."""
    corners = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    passes = [(-((x - width) // dx), -((y - height) // dy)) for x, y, dx, dy in corners if x < width and y < height]
    rng, packer, parts = np.random.default_rng(0), zlib.compressobj(1), []
    for across, down in passes if interlaced else [(width, height)]:
        bits = across * depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colours]
        length = -(-bits // 8)
        rows = [bytes([method]) + (rng.bytes(4096) * (1 + length // 4096))[:length] for _ in range(min(8, down))]
        parts += [packer.compress(rows[number % 8]) for number in range(down)]
    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, interlaced)
    palette = bombs.chunk(b"PLTE", bytes(768)) if colours == 3 else b""
    packed = b"".join((*parts, packer.flush()))
    start = b"\x89PNG\r\n\x1a\n" + bombs.chunk(b"IHDR", header) + palette
    return start + bombs.chunk(b"IDAT", packed) + bombs.chunk(b"IEND", b"")


KINDS = [(depth, colours) for colours in (0, 2, 3, 4, 6) for depth in (1, 2, 4, 8, 16)]


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(
    ("depth", "colours"),
    [(depth, colours) for depth, colours in KINDS if colours == 0 or (depth < 16 if colours == 3 else depth > 4)],
)
def test_png(depth: int, colours: int, tmp_path: Path, *, interlaced: bool) -> None:
    takes_no_more_than_judged(png(1500, 1000, depth, colours, interlaced=interlaced), tmp_path)


@pytest.mark.parametrize(
    ("width", "height", "depth", "colours", "interlaced"),
    [
        (6000, 6000, 1, 0, True),
        (15_000_000, 1, 8, 6, False),  # a band is less than a row
        (20_000_000, 1, 8, 4, False),
        (20_000_000, 1, 1, 3, True),
        (9_000_000, 2, 8, 2, True),
        (1, 3_000_000, 1, 0, True),
        (2, 3_000_000, 1, 0, True),
    ],
)
def test_png_of_odd_shapes(
    width: int, height: int, depth: int, colours: int, tmp_path: Path, *, interlaced: bool
) -> None:
    takes_no_more_than_judged(png(width, height, depth, colours, interlaced=interlaced, method=0), tmp_path)


@pytest.mark.parametrize(
    ("width", "height", "depth", "colours", "interlaced", "took"),
    [
        (6000, 6000, 1, 0, True, 0.41),
        (4000, 3000, 1, 0, False, 0.09),
        (4000, 3000, 8, 3, True, 0.14),
        (4000, 3000, 8, 6, True, 0.35),
    ],
)
def test_seconds_are_judged_high_enough_and_not_out_of_all_proportion(
    width: int, height: int, depth: int, colours: int, took: float, *, interlaced: bool
) -> None:
    assert took < judge(png(width, height, depth, colours, interlaced=interlaced)).seconds < 2 * took


@pytest.mark.parametrize("orientation", [2, 3, 6])
def test_a_picture_that_has_to_be_turned(orientation: int, tmp_path: Path) -> None:
    exif = b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 274, 3, 1, orientation) + bytes(4)
    takes_no_more_than_judged(bombs.png(4000, 3000, extra=bombs.chunk(b"eXIf", exif)), tmp_path)


def picture(cat: Image.Image, *, noise: bool) -> Image.Image:
    if not noise:
        return cat.resize((1600, 1200))
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (1200, 1600, 3), np.uint8))


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("lossless", [False, True])
def test_webp(cat: Image.Image, tmp_path: Path, *, noise: bool, transparent: bool, lossless: bool) -> None:
    made = picture(cat, noise=noise)
    if transparent:
        made.putalpha(made.getchannel(1))
    takes_no_more_than_judged(bombs.encoded(made, "WEBP", quality=95, lossless=lossless, method=0), tmp_path)


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("cut", [False, True])
def test_jpeg(
    cat: Image.Image,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    noise: bool,
    mode: str,
    progressive: bool,
    cut: bool,
) -> None:
    """Cut short, it is decoded twice, one after the other."""
    monkeypatch.setattr(ImageFile, "MAXBLOCK", 1 << 24)  # Pillow cannot write more of a progressive one at once
    made = picture(cat, noise=noise).convert(mode)
    encoded = bombs.encoded(made, "JPEG", quality=90, subsampling=0, progressive=progressive)
    takes_no_more_than_judged(encoded[: len(encoded) * 98 // 100] + b"\xff\xd9" if cut else encoded, tmp_path)
