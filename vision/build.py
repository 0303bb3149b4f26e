"""From installed packages to a model on disk: weights, graph, labels, golden photo. Run ahead of everything else.

Deterministic: the same packages give the same bytes. So nothing needs to be remembered about earlier builds: making the
bytes again takes a fraction of a second, and where they are already in place they are left alone.
"""

from importlib.metadata import version as installed_version
from io import BytesIO
from pathlib import Path

from PIL import Image

from vision.artifact import GOLDEN, LABELS, MANIFEST, MODEL, Manifest, fingerprint, model_folder
from vision.files import installed_file, write_atomically
from vision.labels import read_labels
from vision.network import Network, build_network
from vision.no_op import build_no_op
from vision.releases import GOLDEN_PACKAGE, GOLDEN_PATH, NAME, Release, find_release
from vision.weights import read_weights


def build(models: Path, version: str, name: str = NAME) -> bool:
    """Make that version under `models`; return False where it already lies there intact.

    Raise `ModelError` where weights or labels are missing or not the known ones, `OSError` where it cannot be written.
    """
    folder = model_folder(models, version, name)
    files = _render(find_release(version, name))
    if all(_holds(folder / file, content) for file, content in files.items()):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        write_atomically(folder / file, content)
    return True


def _render(release: Release) -> dict[str, bytes]:
    """Return the files by name; the manifest is last, so that an interrupted build never describes itself as whole."""
    network = _network(release)
    labels = "".join(f"{label}\n" for label in read_labels()).encode()
    golden = _golden_photo()
    weights = release.weights
    manifest = Manifest(
        name=release.name,
        version=release.version,
        sha256=fingerprint(network.model),
        input_size=release.input_size,
        parameters=network.parameters,
        labels_sha256=fingerprint(labels),
        golden_sha256=fingerprint(golden),
        weights=f"{weights.package}=={installed_version(weights.package)}" if weights else "none",
        weights_sha256=weights.sha256 if weights else "none",
    )
    return {MODEL: network.model, LABELS: labels, GOLDEN: golden, MANIFEST: manifest.to_toml().encode()}


def _network(release: Release) -> Network:
    if release.weights is None:
        return build_no_op(release.input_size)
    weights = read_weights(installed_file(release.weights.package, release.weights.path), release.weights.sha256)
    return build_network(weights, size=release.input_size, depth=release.weights.depth)


def _golden_photo() -> bytes:
    """Return it as a JPEG, since that is what users send and what our decoder is made for."""
    jpeg = BytesIO()
    with Image.open(installed_file(GOLDEN_PACKAGE, GOLDEN_PATH)) as photo:
        photo.convert("RGB").save(jpeg, "JPEG", quality=90)
    return jpeg.getvalue()


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content
