"""How many threads may write at once. A writer waits for the database's lock, and holds a thread while it does.

Whoever would be one too many waits for those before it, as long as they get on; once one of them has not for a while,
somebody else holds the lock, and the others are told so at once: the threads that are left are for readers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from time import monotonic

from webapp.images import Busy

STUCK_S = 0.5  # a write takes some milliseconds


class Writers:
    """At most so many at once."""

    def __init__(self, most: int) -> None:
        self._free = BoundedSemaphore(most)
        self._begun: list[float] = []  # monotonic, of those who write

    @contextmanager
    def one(self) -> Iterator[None]:
        """Be one of them meanwhile; raises Busy."""
        now = monotonic()
        patience = STUCK_S - (now - min([*self._begun, now]))
        if not self._free.acquire(timeout=max(0.0, patience)):
            raise Busy("Photos wait for the database, which something else keeps busy; try again in a moment.")
        begun = monotonic()
        self._begun.append(begun)
        try:
            yield
        finally:
            self._begun.remove(begun)
            self._free.release()
