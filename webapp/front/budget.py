"""What one worker may hold for its clients: bytes of requests and answers, and descriptors."""

import resource
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic

from webapp.front.visitor import Visitor

BUDGET = 128 * 1024 * 1024  # bytes of all requests that arrive or wait for a thread, and of answers that nobody reads
SMALL = 16 * 1024  # who has sent no more than that is never refused for it
STALL_S = 2.0  # for so long nothing to speak of has come: it is given up where others need the room


class Budget:
    """The bytes that are held. A single answer may be larger than all of it."""

    def __init__(self) -> None:
        self._held = 0

    @property
    def exceeded(self) -> bool:
        """Whether it is more than may be."""
        return self._held > BUDGET

    def hold(self, visitor: Visitor, count: int) -> bool:
        """Count bytes that are kept for somebody; tell whether that is progress to speak of."""
        went_on = visitor.held // SMALL != (visitor.held + count) // SMALL
        if went_on:
            visitor.went_on = monotonic()
        visitor.held += count
        self._held += count
        return went_on

    def forget(self, visitor: Visitor) -> None:
        """Count them no more."""
        self._held -= visitor.held
        visitor.held = 0

    def stalled(self, visitors: Iterable[Visitor]) -> list[Visitor]:
        """Return those with whom to part first where it is exceeded: who holds much and has not gone on for a while."""
        if not self.exceeded:
            return []
        since = monotonic() - STALL_S
        return [each for each in visitors if each.held > SMALL and each.went_on < since]


def descriptors() -> int:
    """Have as many as this process may, and return how many that are."""
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS says "infinite" and means less
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        files = most
    return files
