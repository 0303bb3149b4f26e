"""Files that people name, read with a bound: a pipe would keep a command waiting for ever, a device fill the memory."""

import errno
import stat
from pathlib import Path

LARGEST = 256 * 2**20  # bytes of a text file of a run; a long one has a few million


def check_regular(path: Path) -> None:
    """Raise OSError, which says in words what it is, where a path leads to anything but a file or a folder."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # who opens a folder is told so by the system
        raise OSError(errno.EINVAL, "it is a pipe, a socket or a device, and no file", str(path))


def content(path: Path, most: int = LARGEST) -> bytes:
    """Return what a file holds. Raises OSError, also where it is none or holds more than so many bytes."""
    check_regular(path)
    with path.open("rb") as file:
        held = file.read(most + 1)  # and not its size: some files of the system say 0 and have no end
    if len(held) > most:
        raise OSError(errno.EFBIG, f"it holds more than {most:,} bytes", str(path))
    return held
