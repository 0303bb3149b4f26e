"""A built model on disk: where it lies, what its `model.toml` says, and whether its files still are what that says.

    models/efficientnet-lite/1/model.onnx  model.toml  labels.txt  golden.jpg

Between `vision.build`, which writes it, and `vision.classifier`, which loads it. The layout is the one that Triton,
KServe and OpenVINO Model Server mount: name, version, `model.onnx`.
"""

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from vision.errors import ModelError
from vision.releases import NAME, find_release

MODEL, MANIFEST, LABELS, GOLDEN = "model.onnx", "model.toml", "labels.txt", "golden.jpg"


@dataclass(frozen=True)
class Manifest:
    """What `model.toml` holds: `sha256` is that of the ONNX file, `input_size` a side in pixels."""

    name: str
    version: str
    sha256: str
    input_size: int
    parameters: int
    labels_sha256: str
    golden_sha256: str
    weights: str
    weights_sha256: str

    def to_toml(self) -> str:
        """Return the TOML text; our numbers and ASCII strings look the same in JSON."""
        return "".join(f"{key} = {json.dumps(value)}\n" for key, value in asdict(self).items())


@dataclass(frozen=True)
class Artifact:
    """A model whose files were found intact: the serialised ONNX graph, the label of each output, the golden photo."""

    manifest: Manifest
    model: bytes
    labels: tuple[str, ...]
    golden: bytes


def model_folder(models: Path, version: str, name: str = NAME) -> Path:
    """Return where that version lies under `models`, built or not; raise `ModelError` for a version that is none."""
    return models / name / find_release(version, name).version


def load_manifest(models: Path, version: str, name: str = NAME) -> Manifest:
    """Read what a built version says of itself; raise `ModelError` where it is missing or damaged."""
    path = model_folder(models, version, name) / MANIFEST
    try:
        return Manifest(**tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError) as error:
        raise ModelError(f"no model to load ({error}): {_build_command(models)}") from error


def load_artifact(models: Path, version: str, name: str = NAME) -> Artifact:
    """Read a built version and check it against its manifest; raise `ModelError` where it is missing or damaged."""
    folder = model_folder(models, version, name)
    manifest = load_manifest(models, version, name)
    try:
        model, labels, golden = ((folder / file).read_bytes() for file in (MODEL, LABELS, GOLDEN))
    except OSError as error:
        raise ModelError(f"no model to load ({error}): {_build_command(models)}") from error
    for file, content, sha256 in (
        (MODEL, model, manifest.sha256),
        (LABELS, labels, manifest.labels_sha256),
        (GOLDEN, golden, manifest.golden_sha256),
    ):
        if fingerprint(content) != sha256:
            raise ModelError(f"{folder / file} is not the file that {MANIFEST} describes: {_build_command(models)}")
    return Artifact(manifest, model, tuple(labels.decode().splitlines()), golden)


def fingerprint(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _build_command(models: Path) -> str:
    return f"run `python -m vision build --models {models}`"
