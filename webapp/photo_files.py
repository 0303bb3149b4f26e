"""The files of the photo store: for each version of a photo its bytes as they were uploaded, and a thumbnail.

Nobody opens a file before the row that names it is committed, so a file is written where it will stay. From before
its first byte until all is done, `ID-VERSION.unfinished` lies beside it: whatever fails or is killed leaves a note
of what to sweep.

What is promised is that no acknowledged photo is lost when processes are killed, and for that nothing needs to be
forced to the disk: what was written is the kernel's. A machine that loses its power may lose the last seconds.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from webapp.images import MEDIA_TYPES, CheckedImage

SUFFIXES = {media_type: f".{name.lower()}" for name, media_type in MEDIA_TYPES.items()}
THUMBNAIL = ".thumbnail"
UNFINISHED = ".unfinished"


class FileGone(FileNotFoundError):  # noqa: N818  (the name is the state of the file, as with photos)
    """The folder is there, and the file is not in it."""


class PhotoFiles:
    """One folder. Every method but `settle` raises OSError where the disk does not do its part."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self) -> None:
        """Make the folder, if there is none."""
        self._folder.mkdir(parents=True, exist_ok=True)

    def read(self, path: Path) -> bytes:
        """Return a file's bytes; raise FileGone, or another OSError where the disk does not say what is in the folder.

        The folder is held meanwhile: one that is away for a moment must not look like one that has lost its files.
        """
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with open(path.name, "rb", opener=partial(os.open, dir_fd=folder)) as file:
                return file.read()
        except FileNotFoundError as error:
            raise FileGone(*error.args) from error
        finally:
            os.close(folder)

    def check_there(self) -> None:
        """Raise FileNotFoundError where the folder is empty, as where its disk is not mounted."""
        with os.scandir(self._folder) as entries:
            if not any(entries):
                raise FileNotFoundError(errno.ENOENT, "it is empty; is its disk mounted?", str(self._folder))

    def original(self, photo_id: int, version: int, media_type: str) -> Path:
        """Return the file with the bytes as they were uploaded."""
        return self._file(photo_id, version, SUFFIXES[media_type])

    def thumbnail(self, photo_id: int, version: int) -> Path:
        """Return the file of the thumbnail."""
        return self._file(photo_id, version, THUMBNAIL)

    def write(self, photo_id: int, version: int, image: CheckedImage) -> None:
        """Write the files of one version, over whatever a killed write of the same version has left."""
        self._file(photo_id, version, UNFINISHED).touch()
        self._remove(photo_id, version)
        self.original(photo_id, version, image.media_type).write_bytes(image.content)
        self.thumbnail(photo_id, version).write_bytes(image.thumbnail)

    def unfinished(self) -> Iterator[tuple[int, int]]:
        """Name the photos and versions of all writes that are going on or were not brought to their end."""
        for path in self._folder.glob(f"*{UNFINISHED}"):
            with suppress(ValueError):  # not one of our names
                photo_id, version = path.stem.split("-")
                yield int(photo_id), int(version)

    def settle(self, photo_id: int, version: int, current: int | None) -> None:
        """Bring the write of a version to its end: of it and the one before it, only the current one stays.

        Whoever writes must have committed, and no other write may go on. A disk that refuses keeps the note.
        """
        with suppress(OSError):
            for old in {version - 1, version} - {current}:
                self._remove(photo_id, old)
            self._file(photo_id, version, UNFINISHED).unlink(missing_ok=True)

    def _remove(self, photo_id: int, version: int) -> None:
        for suffix in (*SUFFIXES.values(), THUMBNAIL):
            self._file(photo_id, version, suffix).unlink(missing_ok=True)

    def _file(self, photo_id: int, version: int, suffix: str) -> Path:
        return self._folder / f"{photo_id}-{version}{suffix}"
