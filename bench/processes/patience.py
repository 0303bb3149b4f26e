"""Signals wait: what is begun in here is finished first, then they are obeyed. A second Ctrl-C cuts no stop short."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let no signal cut short what is inside; the first that came is raised again after it.

    Only the main thread gets signals: elsewhere there is nothing to do.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = {each: signal.getsignal(each) for each in ENDING}
    for each in ENDING:
        if before[each] is not signal.SIG_IGN:
            signal.signal(each, note)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        if came:
            signal.raise_signal(came[0])
