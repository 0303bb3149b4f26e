"""The files of the photo store: for each version of a photo its bytes as they were uploaded, and a thumbnail.

    photos/FOLDER/ID-VERSION-TOKEN.jpeg

The row of a photo says all of that. FOLDER belongs to one database: another one, whose ids are the same, finds no photo
of its own here, and neither does anybody while the disk is not mounted. TOKEN belongs to one write: a database that was
restored, and gives an id or a version once more, meets no file of that name. So nothing is ever overwritten.

Nobody opens a file before the row that names it is committed, so a file is written where it will stay. From before
its first byte until all is done, `ID-VERSION-TOKEN.unfinished` lies beside it and names what is replaced: whatever
fails or is killed leaves a note of what to sweep.

What is promised is that no acknowledged photo is lost when processes are killed, and for that nothing needs to be
forced to the disk: what was written is the kernel's. A machine that loses its power may lose the last seconds.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG

from webapp.images import MEDIA_TYPES, CheckedImage

SUFFIXES = {media_type: f".{name.lower()}" for name, media_type in MEDIA_TYPES.items()}
THUMBNAIL = ".thumbnail"
UNFINISHED = ".unfinished"
PIECE = 1 << 20
NO_FILE = {errno.ENOENT, errno.ELOOP, errno.ENXIO}  # nothing, a link to nowhere, a socket


class FileGone(FileNotFoundError):  # noqa: N818  (the name is the state of the file, as with photos)
    """The folder is there, and no such file is in it; what is no regular file is none."""


class PhotoFiles:
    """The folders of one disk; a file's name is `FOLDER/ID-VERSION-TOKEN`, to which the kind of file is added.

    Every method but `settle` raises OSError where the disk does not do its part.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self, folder: str) -> None:
        """Make the folder of a database, if there is none."""
        (self._folder / folder).mkdir(parents=True, exist_ok=True)

    def read(self, path: Path) -> bytes:
        """Return a file's bytes; raise FileGone, or another OSError where the disk does not say what is in the folder.

        The folder is held meanwhile: one that is away for a moment must not look like one that has lost its files.
        """
        folder = self._open(path.parent)
        try:
            return _content(path.name, folder)
        finally:
            os.close(folder)

    def original(self, name: str, media_type: str) -> Path:
        """Return the file with the bytes as they were uploaded."""
        return self._file(name, SUFFIXES[media_type])

    def thumbnail(self, name: str) -> Path:
        """Return the file of the thumbnail."""
        return self._file(name, THUMBNAIL)

    def write(self, name: str, image: CheckedImage, replaced: str) -> None:
        """Write the files of a version, which must not exist; `replaced` names those of the one before, if any."""
        os.close(self._open(self._file(name, "").parent))
        _new(self._file(name, UNFINISHED), replaced.encode())
        _new(self.original(name, image.media_type), image.content)
        _new(self.thumbnail(name), image.thumbnail)

    def unfinished(self) -> Iterator[tuple[str, int]]:
        """Return name and photo of all writes, of any database, that are going on or were not brought to their end."""
        for path in self._folder.glob(f"*/*{UNFINISHED}"):
            with suppress(ValueError):  # not one of our names
                photo_id, _version, _token = path.stem.split("-")
                yield f"{path.parent.name}/{path.stem}", int(photo_id)

    def settle(self, name: str, current: str | None) -> None:
        """Bring the write of a version to its end: of it and the one that it replaces, only the current one stays.

        Whoever writes must have committed, and no other write may go on. A disk that refuses keeps the note.
        """
        with suppress(OSError):
            note = self._file(name, UNFINISHED)
            replaced = self.read(note).decode()
            for old in {name, replaced} - {current, ""}:
                for suffix in (*SUFFIXES.values(), THUMBNAIL):
                    self._file(old, suffix).unlink(missing_ok=True)
            note.unlink()

    def _open(self, folder: Path) -> int:
        try:
            return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError as error:
            words = "the folder of this database's photos is away; is its disk mounted?"
            raise FileNotFoundError(errno.ENOENT, words, str(folder)) from error

    def _file(self, name: str, suffix: str) -> Path:
        return self._folder / f"{name}{suffix}"


def _content(name: str, folder: int) -> bytes:
    """Return what is in a regular file; anything else might never come to its end (a pipe, a device)."""
    try:
        opened = os.open(name, os.O_RDONLY | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        if error.errno in NO_FILE:
            raise FileGone(*error.args) from error
        raise
    try:
        there = os.fstat(opened)
        if not S_ISREG(there.st_mode):
            raise FileGone(errno.ENOENT, "it is no regular file", name)
        content = os.read(opened, there.st_size)  # by one call, where a file object makes six
        while piece := os.read(opened, PIECE):
            content += piece
        return content
    finally:
        os.close(opened)


def _new(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
