"""What schemathesis sends where the contract says "an image": real photos, most of them damaged."""

from pathlib import Path

import schemathesis
from hypothesis import strategies as st

PHOTOS = [path.read_bytes() for path in sorted(Path("data/catalogue").glob("*-1.jpg"))[:4]]


@st.composite
def damaged_photos(draw: st.DrawFn) -> bytes:
    photo = bytearray(draw(st.sampled_from(PHOTOS)))
    for _ in range(draw(st.integers(0, 4))):
        photo[draw(st.integers(0, len(photo) - 1))] = draw(st.integers(0, 255))
    return bytes(photo[: draw(st.sampled_from([len(photo), len(photo) // 2, 20, 1, 0]))])


for media_type in ("image/jpeg", "image/png", "image/webp"):
    schemathesis.openapi.media_type(media_type, damaged_photos())
