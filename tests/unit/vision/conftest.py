"""What the tests of `vision` share: real photographs, small encoded images, and models built once."""

import io
from pathlib import Path

import pytest
from PIL import Image

from vision.build import build
from vision.classifier import Classifier
from vision.files import installed_file
from vision.releases import RELEASES


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


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for release in RELEASES:
        build(folder, release.version, release.name)
    return folder


@pytest.fixture(scope="session")
def no_op(models: Path):
    loaded = Classifier.load(models, "1", name="no-op")
    yield loaded
    loaded.close()


@pytest.fixture(scope="session")
def classifier(models: Path):
    loaded = Classifier.load(models, "1")
    yield loaded
    loaded.close()
