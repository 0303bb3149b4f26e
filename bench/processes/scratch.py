"""Temporary folders that do not stay when their owner is killed: the next one to need such a folder sweeps them.

Whose owner is alive is known by a lock that the kernel takes away with the process, and not by age or name.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PREFIX = "sweetspot-"
LOCK = ".alive"


@contextlib.contextmanager
def folder(what: str) -> Iterator[Path]:
    """Make a folder for the time of the `with`, and sweep those of owners that were killed."""
    sweep(Path(tempfile.gettempdir()))
    made, lock = claimed(what)
    with lock:
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)


def claimed(what: str) -> tuple[Path, IO[bytes]]:
    """Return a folder of our own with its lock, which holds until it is closed."""
    while True:
        made = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{what}-"))
        lock = (made / LOCK).open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (made / LOCK).exists():
            return made, lock
        lock.close()  # somebody swept it between its making and its lock


def sweep(parent: Path) -> None:
    """Remove the folders there that are ours and whose owners are gone."""
    for lock in parent.glob(f"{PREFIX}*/{LOCK}"):
        with contextlib.suppress(OSError):  # it is locked: its owner is alive; or it has gone meanwhile
            if is_ours(lock):
                with lock.open("rb+") as held:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(lock.parent, ignore_errors=True)
                    if lock.parent.exists():  # somebody whom the owner left behind still writes there: next time
                        lock.touch()


def is_ours(lock: Path) -> bool:
    """Whether a folder is the user's own, and no way to another one."""
    return lock.parent.lstat().st_uid == os.getuid() and not lock.parent.is_symlink() and not lock.is_symlink()
