"""From installed packages to a model on disk: weights, graph, labels, files. Run ahead of everything else.

Deterministic: the same packages give the same bytes. So nothing needs to be remembered about earlier builds: making the
bytes again takes a fraction of a second, and where they are already in place they are left alone.
"""

from importlib.metadata import version as installed_version
from pathlib import Path

from vision.artifact import LABELS, MANIFEST, MODEL, Manifest, fingerprint, model_folder
from vision.files import installed_file, write_atomically
from vision.labels import read_labels
from vision.network import build_network
from vision.releases import NAME, Release, find_release
from vision.weights import read_weights


def build(models: Path, version: str) -> bool:
    """Make that version under `models`; return False where it already lies there intact.

    Raise `ModelError` where weights or labels are missing or not the known ones, `OSError` where it cannot be written.
    """
    folder = model_folder(models, version)
    files = _render(find_release(version))
    if all(_holds(folder / name, content) for name, content in files.items()):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_atomically(folder / name, content)
    return True


def _render(release: Release) -> dict[str, bytes]:
    """Return the files by name; the manifest is last, so that an interrupted build never describes itself as whole."""
    weights = read_weights(installed_file(release.package, release.weights), release.weights_sha256)
    network = build_network(weights, size=release.input_size, depth=release.depth)
    labels = "".join(f"{label}\n" for label in read_labels()).encode()
    manifest = Manifest(
        name=NAME,
        version=release.version,
        sha256=fingerprint(network.model),
        input_size=release.input_size,
        parameters=network.parameters,
        labels_sha256=fingerprint(labels),
        weights=f"{release.package}=={installed_version(release.package)}",
        weights_sha256=release.weights_sha256,
    )
    return {MODEL: network.model, LABELS: labels, MANIFEST: manifest.to_toml().encode()}


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content
