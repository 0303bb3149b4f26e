"""The files in which prometheus_client keeps the metrics of each worker, so that any of them can add all of them up.

They are mapped into memory. Where the disk is full such a file cannot grow, and the kernel kills whoever writes behind
its end (SIGBUS); so each worker's files get all their room when it starts. Imports only the standard library, for
gunicorn's master process uses this, too.
"""

import os
import struct
from contextlib import suppress
from pathlib import Path

# By the beginning of the name, as prometheus_client chooses it. `webapp.metrics` keeps to this room.
ROOM = {"histogram": 8 << 20, "counter": 1 << 18, "gauge_livemostrecent": 1 << 18}  # bytes
PIECE = 1 << 16
EMPTY = 8  # bytes of a file in which nothing has been counted


def empty(folder: Path) -> None:
    """Make the folder, or make it empty: counting starts from zero. Raises OSError."""
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.db"):
        path.unlink()


def reserve(folder: Path, pid: int) -> None:
    """Give the files of a worker all their room. Raises OSError where there is none, and then nothing stays."""
    try:
        for kind, size in ROOM.items():
            with _file(folder, kind, pid).open("wb", buffering=0) as file:
                for _ in range(size // PIECE):  # written, because not every system and file system can allocate
                    file.write(bytes(PIECE))
    except OSError:
        for kind in ROOM:
            _file(folder, kind, pid).unlink(missing_ok=True)
        raise


def settle(folder: Path, pid: int) -> None:
    """Give back what a worker that has ended did not use. Its counts stay, its gauges go, and what holds no counts."""
    for kind in ROOM:
        path = _file(folder, kind, pid)
        with suppress(OSError):
            used = 0 if kind.startswith("gauge") else _used(path)
            if used > EMPTY:
                os.truncate(path, used)
            else:
                path.unlink()


def whole(folder: Path) -> list[Path]:
    """Return the files that can be read: one that was being made when its worker was killed cannot."""
    return [path for path in folder.glob("*.db") if _used(path) > EMPTY]


def _used(path: Path) -> int:
    """Return how many bytes of a file are in use, as it says itself in the first four; 0 where it does not."""
    try:
        with path.open("rb") as file:
            used = int(struct.unpack("i", file.read(4))[0])
            return used if used <= os.fstat(file.fileno()).st_size else 0
    except (OSError, struct.error):
        return 0


def _file(folder: Path, kind: str, pid: int) -> Path:
    return folder / f"{kind}_{pid}.db"
