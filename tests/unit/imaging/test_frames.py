"""Every kind of frame that a JPEG may have, and frames that lie: refused or decoded, and never the end of the process.

A decoder that writes beyond its buffer ends the process that it runs in, so these run in one of their own.
"""

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imaging.cost import judge
from imaging.decode import read
from imaging.errors import UnreadableImage
from tests.conftest import ROOT
from tests.unit.imaging import bombs

TAKEN = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
OTHERS = {*range(0xC0, 0xD0)} - TAKEN - {0xC4, 0xC8, 0xCC}  # tables, an extension, and conditioning are no frames
WIDTH, HEIGHT = 2000, 1500

# Reads each file of a folder, and decodes it with a header that was believed: the second line of defence alone.
PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from imaging.cost import judged
from imaging.decode import _decode_jpeg, read
from imaging.errors import UnreadableImage
from imaging.header import Header
for path in sorted(Path(sys.argv[1]).iterdir()):
    encoded = path.read_bytes()
    try:
        read(encoded, 64, np.copy)
    except UnreadableImage:
        pass
    at = encoded.index(b"\\xff\\xdb")
    width, height = map(int, path.stem.split("-")[1:])
    _decode_jpeg(encoded, Header("JPEG", width, height, b"", 0.0, 0, bytes), 64)
print("alive")
"""


def reads(folder: Path) -> None:
    """Read all files of a folder in a process of its own; the name of each ends in the size that it claims."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, folder], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


def ordinary(image: Image.Image, **options: object) -> bytes:
    return bombs.encoded(image.resize((WIDTH, HEIGHT)), "JPEG", **options)


def frame_at(encoded: bytes) -> int:
    """Where the code of the frame stands."""
    return next(at + 1 for at in (encoded.find(bytes([0xFF, code])) for code in sorted(TAKEN | OTHERS)) if at > 0)


def with_code(encoded: bytes, code: int) -> bytes:
    at = frame_at(encoded)
    return encoded[:at] + bytes([code]) + encoded[at + 1 :]


def named(folder: Path, files: list[tuple[int, int, bytes]]) -> Path:
    for number, (width, height, encoded) in enumerate(files):
        (folder / f"{number:04}-{width}-{height}").write_bytes(encoded)
    return folder


def test_every_code_of_a_frame(cat: Image.Image, tmp_path: Path) -> None:
    plain, progressive = ordinary(cat), ordinary(cat, progressive=True)
    made = [
        with_code(each, code)
        for code in range(0xC0, 0xD0)
        for each in (plain, progressive, bombs.lossless(WIDTH, HEIGHT), bombs.lossless(WIDTH, HEIGHT, 1))
    ]
    reads(named(tmp_path, [(WIDTH, HEIGHT, each) for each in made]))


def test_frames_that_lie(cat: Image.Image, tmp_path: Path) -> None:
    """Two frames, frames where one parser looks and another does not, and parts of hierarchical pictures."""
    small, large = ordinary(cat.resize((64, 48))), bombs.lossless(WIDTH, HEIGHT)
    small = bombs.encoded(cat.resize((640, 480)), "JPEG")
    start, scan = frame_at(large) - 1, large.index(b"\xff\xda")
    frame, rest = large[start:scan], large[scan:]
    at = frame_at(small) - 1
    before, after = small[:at], small[at:]
    hiding = [
        b"", b"\xff\xd8", b"\xff\xff\xff", b"\xff\xd0", b"\xff\x01", b"\xff\x02", b"\0\0", b"\xff\0",
        bombs.segment(0xDE, frame[4:]), bombs.segment(0xDF, b"\x11"), bombs.segment(0xDC, struct.pack(">H", HEIGHT)),
        bombs.segment(0xE0, b"JFXX\0\x10" + small), b"\xff\xe0\0\0", b"\xff\xfe\0\1",
    ]  # fmt: skip
    made = []
    for each in hiding:
        for one, two in ((frame, after), (after[: len(frame)], rest), (b"", frame + after)):
            whole = before + each + one + each + two
            made += [(640, 480, whole), (WIDTH, HEIGHT, whole)]
        made += [(WIDTH, HEIGHT, large[:start] + each + large[start:]), (WIDTH, HEIGHT, large[:scan] + each + rest)]
        made += [(640, 480, small[:-2] + each + frame + rest), (640, 480, small + each + large)]
    reads(named(tmp_path, made))


def test_mutated_frames(cat: Image.Image, tmp_path: Path) -> None:
    """Codes, sizes, precisions, sampling factors and lengths, drawn at random."""
    rng = np.random.default_rng(1)
    kinds = [
        bombs.encoded(cat, "JPEG"),
        bombs.encoded(cat, "JPEG", progressive=True),
        bombs.lossless(cat.width, cat.height),
    ]
    made = []
    for number in range(300):
        mutant = bytearray(kinds[number % 3])
        at = frame_at(bytes(mutant))
        mutant[at] = rng.choice(sorted(TAKEN | OTHERS))
        for place in rng.integers(at + 1, at + 19, rng.integers(0, 4)):
            mutant[place] = rng.integers(256)
        height, width = struct.unpack_from(">HH", mutant, at + 4)
        if width * height < 50_000_000:
            made.append((width, height, bytes(mutant)))
    assert len(made) > 150
    reads(named(tmp_path, made))


@pytest.mark.parametrize("code", sorted(OTHERS))
def test_what_no_decoder_makes_smaller_is_refused_in_words(code: int) -> None:
    with pytest.raises(UnreadableImage, match="a rare kind of JPEG"):
        judge(bombs.lossless(WIDTH, HEIGHT, code=code))


@pytest.mark.parametrize("precision", [0, 2, 7, 12, 16, 255])
@pytest.mark.parametrize("code", sorted(TAKEN))
def test_so_is_another_precision(precision: int, code: int) -> None:
    with pytest.raises(UnreadableImage, match="a rare kind of JPEG"):
        judge(bombs.lossless(WIDTH, HEIGHT, code=code, precision=precision))


def test_two_frames_are_damage(cat: Image.Image) -> None:
    encoded = bombs.encoded(cat, "JPEG")
    at = frame_at(encoded) - 1
    with pytest.raises(UnreadableImage, match="damaged"):
        judge(encoded[:at] + encoded[at : at + 19] + encoded[at:])


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("code", sorted(TAKEN))
def test_all_others_are_decoded_smaller(cat: Image.Image, code: int, *, progressive: bool) -> None:
    """Of one kind by the bytes of another comes nonsense, of the right size, or damage that is told."""
    encoded = with_code(bombs.encoded(cat.resize((1000, 750)), "JPEG", progressive=progressive), code)
    try:
        assert read(encoded, 64, np.shape) == (94, 125, 3)
    except UnreadableImage as error:
        assert "damaged" in str(error)  # noqa: PT017  (both outcomes are right)
