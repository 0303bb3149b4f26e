"""The photos of a folder, read ahead of a measurement so that it does not time the disk."""

from pathlib import Path

from vision.errors import ModelError, UnreadableImage
from vision.preprocess import preprocess

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def read_photos(folder: Path) -> list[bytes]:
    """Return them in the order of their names.

    Raise `ModelError` where the folder holds none, `UnreadableImage` for a damaged one.
    """
    files = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    paths = sorted(path for path in files if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise ModelError(f"no photos in {folder}: it takes {', '.join(sorted(SUFFIXES))}")
    photos = [path.read_bytes() for path in paths]
    for path, photo in zip(paths, photos, strict=True):
        try:
            preprocess(photo, 1)
        except UnreadableImage as error:
            raise UnreadableImage(f"{path}: {error}") from error
    return photos
