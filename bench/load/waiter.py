"""Lets a greenlet wait for an absolute time, to a few microseconds, while others run. Sits between pacer and gevent."""

import time

import gevent

from bench.load.pacer import TimerFd, has_timerfd

EARLY_NS = 200_000  # what waking up a resting core can take; that long is waited for actively
EARLY_WITHOUT_TIMER_NS = 1_500_000  # gevent's own timers round up to the next millisecond


class Waiter:
    """Waits on a timer of its own, so each greenlet that waits has one."""

    def __init__(self) -> None:
        self._timer = TimerFd() if has_timerfd() else None
        self._ready = gevent.get_hub().loop.io(self._timer.fileno(), 1) if self._timer else None
        self._early_ns = EARLY_NS if self._timer else EARLY_WITHOUT_TIMER_NS

    def until(self, due_ns: int) -> None:
        """Return at the given monotonic time, at once if it has passed: who is late catches up and skips nothing."""
        left_ns = due_ns - time.monotonic_ns() - self._early_ns
        if left_ns > 0 and self._timer is not None and self._ready is not None:
            self._timer.arm(due_ns - self._early_ns)
            gevent.get_hub().wait(self._ready)
            self._timer.clear()
        elif left_ns > 0:
            gevent.sleep(left_ns / 1e9)
        while time.monotonic_ns() < due_ns:
            gevent.sleep(0)  # lets answers be read meanwhile

    def close(self) -> None:
        """Give the timer back."""
        if self._timer is not None and self._ready is not None:
            self._ready.close()
            self._timer.close()
