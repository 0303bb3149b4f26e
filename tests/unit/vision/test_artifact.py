import shutil
import tomllib
from pathlib import Path

import pytest

from vision.artifact import GOLDEN, LABELS, MANIFEST, MODEL, Manifest, load_artifact, load_manifest, model_folder
from vision.errors import ModelError


@pytest.fixture
def copied(models: Path, tmp_path: Path) -> Path:
    shutil.copytree(model_folder(models, "1"), model_folder(tmp_path, "1"))
    return tmp_path


def test_the_manifest_survives_a_round_trip():
    manifest = Manifest("m", "1", "ab", 224, 5, "cd", "01", 'package=="1"', "ef")

    assert Manifest(**tomllib.loads(manifest.to_toml())) == manifest


def test_loads_what_was_built(models):
    artifact = load_artifact(models, "2")

    assert (artifact.manifest.version, artifact.manifest.input_size) == ("2", 240)
    assert artifact.labels[285] == "Egyptian Mau"


def test_loads_another_model_by_name(models):
    manifest = load_artifact(models, "1", "no-op").manifest

    assert (manifest.name, manifest.input_size, manifest.parameters, manifest.weights) == ("no-op", 224, 0, "none")
    assert load_manifest(models, "1", "no-op") == manifest
    assert model_folder(models, "1", "no-op") == models / "no-op" / "1"


def test_what_is_not_built_says_how_to_build_it(tmp_path):
    with pytest.raises(ModelError, match="run `python -m vision build"):
        load_artifact(tmp_path, "1")


@pytest.mark.parametrize("name", [MODEL, LABELS, GOLDEN])
def test_a_file_that_was_changed_is_refused(copied, name):
    path = model_folder(copied, "1") / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(ModelError, match=f"{name} is not the file .* run `python -m vision build"):
        load_artifact(copied, "1")


def test_a_model_that_was_built_without_a_golden_photo_is_refused(copied):
    path = model_folder(copied, "1") / MANIFEST
    path.write_text("\n".join(line for line in path.read_text().splitlines() if "golden" not in line))

    with pytest.raises(ModelError, match=r"golden_sha256.* run `python -m vision build"):
        load_artifact(copied, "1")


@pytest.mark.parametrize("text", ["", "name = ", 'surprise = "1"', "\udcff"])
def test_a_damaged_manifest_is_refused(copied, text):
    (model_folder(copied, "1") / MANIFEST).write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(ModelError, match="run `python -m vision build"):
        load_artifact(copied, "1")


def test_a_version_that_is_none_is_refused(models):
    with pytest.raises(ModelError, match=r"no model version '../1': there are 1, 2"):
        load_artifact(models, "../1")
    with pytest.raises(ModelError, match=r"no model '../no-op': there are efficientnet-lite, no-op"):
        load_artifact(models, "1", "../no-op")
