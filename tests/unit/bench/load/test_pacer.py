import select
import time

import pytest

from bench.load.pacer import TimerFd, has_timerfd

pytestmark = pytest.mark.skipif(not has_timerfd(), reason="this system has no timerfd")
SECOND_NS = 1_000_000_000


@pytest.fixture
def timer():
    timer = TimerFd()
    yield timer
    timer.close()


def readable(timer: TimerFd, seconds: float = 0.0) -> bool:
    return bool(select.select([timer], [], [], seconds)[0])


def test_it_becomes_readable_at_its_time_and_not_before(timer: TimerFd):
    due = time.monotonic_ns() + SECOND_NS // 20
    timer.arm(due)
    assert readable(timer, 5.0)
    assert time.monotonic_ns() >= due  # how late is a matter of the machine; the calibration looks at that


def test_before_it_is_armed_and_long_before_its_time_it_is_silent(timer: TimerFd):
    assert not readable(timer)
    timer.arm(time.monotonic_ns() + 3600 * SECOND_NS)
    assert not readable(timer)


@pytest.mark.parametrize("due_ns", [-SECOND_NS, 0, 1])  # zero would disarm it, and who is late would wait for ever
def test_a_time_that_has_passed_is_due_at_once(timer: TimerFd, due_ns: int):
    timer.arm(due_ns)
    assert readable(timer, 5.0)


def test_clearing_makes_it_silent_and_does_not_wait_where_there_is_nothing_to_clear(timer: TimerFd):
    timer.clear()
    timer.arm(1)
    assert readable(timer, 5.0)
    timer.clear()
    assert not readable(timer)


def test_arming_again_moves_the_time(timer: TimerFd):
    timer.arm(time.monotonic_ns() + 3600 * SECOND_NS)
    timer.arm(1)
    assert readable(timer, 5.0)


def test_a_closed_timer_says_what_is_wrong():
    timer = TimerFd()
    timer.close()
    with pytest.raises(OSError, match="timerfd_settime failed"):
        timer.arm(1)
