"""What the tests of `vision` share: models built once."""

from pathlib import Path

import pytest

from vision.build import build
from vision.classifier import Classifier
from vision.releases import RELEASES


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
