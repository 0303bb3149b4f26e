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


def empty(folder: Path) -> None:
    """Make the folder, or make it empty: counting starts from zero. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
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
    """Give back what a worker that has ended did not use. Its counts stay, its gauges go."""
    with suppress(OSError):
        _file(folder, "gauge_livemostrecent", pid).unlink(missing_ok=True)
    for kind in ROOM:
        with suppress(OSError, struct.error):
            path = _file(folder, kind, pid)
            with path.open("rb") as file:
                (used,) = struct.unpack("i", file.read(4))
            os.truncate(path, used)


def _file(folder: Path, kind: str, pid: int) -> Path:
    return folder / f"{kind}_{pid}.db"
