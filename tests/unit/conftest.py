"""What unit tests share: real photographs, and small encoded images."""

import io
from pathlib import Path

import pytest
from PIL import Image

from vision.files import installed_file


@pytest.fixture(scope="session")
def photos() -> Path:
    return installed_file("scikit-image", "skimage/data")


@pytest.fixture(scope="session")
def cat(photos: Path) -> Image.Image:
    return Image.open(photos / "chelsea.png").convert("RGB")


@pytest.fixture(scope="session")
def encode():
    def encode_image(image: Image.Image, kind: str = "PNG", **options) -> bytes:
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        return stream.getvalue()

    return encode_image
