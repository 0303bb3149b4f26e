"""Temporary folders that do not stay when their owner is killed: the next one to need such a folder sweeps them.

Whose owner is alive is known by a lock that the kernel takes away with the process, and not by age or name.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from bench.processes.patience import undisturbed

PREFIX = "sweetspot-"
LOCK = ".alive"
Kinds = tuple[type[BaseException], ...]


@contextlib.contextmanager
def folder(what: str, kept_on: Kinds = ()) -> Iterator[Path]:
    """Make a folder for the time of the `with`, and sweep those of owners that were killed.

    After a failure of a `kept_on` kind it stays, and is swept by nobody: its message names files in it.
    """
    sweep(Path(tempfile.gettempdir()))
    with contextlib.ExitStack() as ending:
        with undisturbed():
            made, lock = claimed(what)
            ending.enter_context(lock)
            ending.push(partial(leave, made, kept_on))
        yield made


def leave(made: Path, kept_on: Kinds, kind: type[BaseException] | None, *_: object) -> None:
    """Remove a folder, or only its lock where it is kept."""
    with undisturbed():
        if kind is not None and issubclass(kind, kept_on):
            (made / LOCK).unlink()
        else:
            shutil.rmtree(made, ignore_errors=True)


def claimed(what: str) -> tuple[Path, IO[bytes]]:
    """Return a folder of our own with its lock, which holds until it is closed."""
    while True:
        made = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{what}-"))
        if lock := locked(made / LOCK):
            return made, lock


def hold(made: Path) -> IO[bytes]:
    """Make a folder that is swept once nobody holds it; return the hold, which ends when it is closed."""
    while True:
        made.mkdir(parents=True, exist_ok=True)
        if lock := locked(made / LOCK):
            return lock


def locked(file: Path) -> IO[bytes] | None:
    """Make a lock and hold it; None where somebody has swept it in between."""
    lock = file.open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX)
    if is_at(file, lock):
        return lock
    lock.close()
    return None


def is_at(file: Path, lock: IO[bytes]) -> bool:
    """Whether a lock is the one at its path: one that was removed, even if another has come, keeps nobody off."""
    try:
        return os.path.samestat(file.stat(), os.fstat(lock.fileno()))
    except OSError:
        return False


def sweep(parent: Path, pattern: str = f"{PREFIX}*") -> None:
    """Remove the folders there that are ours and whose owners are gone."""
    for lock in parent.glob(f"{pattern}/{LOCK}"):
        with contextlib.suppress(OSError):  # it is locked: its owner is alive; or it has gone meanwhile
            if is_ours(lock):
                with lock.open("rb+") as held:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if is_at(lock, held):  # else somebody has swept it meanwhile, and another folder may be there
                        remove(lock.parent)


def remove(left: Path) -> None:
    """Remove a folder; what somebody whom its owner left behind still writes there stays for the next time."""
    shutil.rmtree(left, ignore_errors=True)
    if left.exists():
        (left / LOCK).touch()


def is_ours(lock: Path) -> bool:
    """Whether a folder is the user's own, and no way to another one."""
    return lock.parent.lstat().st_uid == os.getuid() and not lock.parent.is_symlink() and not lock.is_symlink()
