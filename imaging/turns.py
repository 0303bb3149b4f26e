"""One large photo at a time in a process: what several take together is memory and a core that others wait for.

Only a few may stand in line, since whoever does holds a thread.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from time import monotonic

from imaging.errors import Busy

WAITING = 2
_line = BoundedSemaphore(1 + WAITING)
_turn = Lock()


@contextmanager
def turn(by: float | None = None) -> Iterator[None]:
    """Wait for the turn until a monotonic time, for ever where there is none; raise Busy."""
    if not _line.acquire(blocking=by is None):
        raise Busy("other large photos are being read; try again in a moment")
    try:
        if not _turn.acquire(timeout=-1 if by is None else max(0.0, by - monotonic())):
            raise Busy("another large photo is being read; try again in a moment")
        try:
            yield
        finally:
            _turn.release()
    finally:
        _line.release()
