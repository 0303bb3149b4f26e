"""One large photo at a time in a process: what several take together is memory and a core that others wait for.

Only a few may stand in line, since whoever does holds a thread.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from time import monotonic

from imaging.errors import Busy

WAITING = 2
OVERRUN_S = 6.0  # several times what any photo may take by `cost`: then its header was believed too much
_line = BoundedSemaphore(1 + WAITING)
_turn = Lock()
_taken: list[float] = []  # when the turn was taken, monotonic, while somebody has it


@contextmanager
def turn(by: float | None = None) -> Iterator[None]:
    """Wait for the turn until a monotonic time, for ever where there is none; raise Busy."""
    if not _line.acquire(blocking=by is None):
        raise Busy("other large photos are being read; try again in a moment")
    try:
        if not _turn.acquire(timeout=-1 if by is None else max(0.0, by - monotonic())):
            raise Busy("another large photo is being read; try again in a moment")
        _taken.append(monotonic())
        try:
            yield
        finally:
            _taken.clear()
            _turn.release()
    finally:
        _line.release()


def overruns() -> bool:
    """Tell whether a photo has had the turn for far longer than it should take."""
    taken = list(_taken)
    return bool(taken) and monotonic() - taken[0] > OVERRUN_S
