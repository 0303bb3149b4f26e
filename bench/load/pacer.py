"""A timer for absolute times that an event loop can wait on, for the load generator and the calibration's server.

The timers of event loops are too coarse to pace requests: libev and epoll round every sleep up to the next millisecond.
A Linux timerfd becomes readable within tens of microseconds of its time and costs nothing while it is awaited.
"""

import ctypes
import os
import sys
from contextlib import suppress

MONOTONIC, NONBLOCK, CLOEXEC, ABSOLUTE = 1, os.O_NONBLOCK, getattr(os, "O_CLOEXEC", 0), 1
SECOND_NS = 1_000_000_000


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class TimerFd:
    """A timerfd on the clock of `time.monotonic_ns`. By way of the C library: Python has it from 3.13 on."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.timerfd_create(MONOTONIC, NONBLOCK | CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return int(self._fd)

    def arm(self, due_ns: int) -> None:
        """Set the time, in ns of `time.monotonic_ns`; one that has passed makes the timer readable at once."""
        at = _Itimerspec(_Timespec(0, 0), _Timespec(*divmod(max(1, due_ns), SECOND_NS)))  # zero would disarm it
        if self._libc.timerfd_settime(self._fd, ABSOLUTE, ctypes.byref(at), None) != 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime failed")

    def clear(self) -> None:
        """Make it unreadable again."""
        with suppress(BlockingIOError):
            os.read(self._fd, 8)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._fd)


def has_timerfd() -> bool:
    """Whether this system has it; Linux does."""
    return sys.platform == "linux" and hasattr(ctypes.CDLL(None), "timerfd_create")
