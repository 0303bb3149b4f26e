"""How Locust ends before its time: signals, each of which is heard, and mistakes that it did not expect, in a line.

Imported ahead of everything that takes long to import: people are quick with Ctrl-C.
"""

import logging
import os
import signal
import sys
from types import TracebackType
from typing import NoReturn

import gevent

from bench.terminal import plain

NOTHING_SENT, NOT_WHOLE = 2, 1  # exit codes
LOCUST_FAILED = (1, -1)  # what Locust makes of every mistake
ORPHAN_POLL_S = 1.0
log = logging.getLogger("sweetspot")


class Interrupts:
    """Signals interrupt the main greenlet, and no other: Locust drops a Ctrl-C that hits the one that listens.

    It hears one when it waits, not amid an import or a fork, and only one: what follows is bounded, and who cut it off
    would lose what was measured, and leave workers behind. Python's own handlers, since those of gevent's loop do not
    survive a fork.
    """

    def __init__(self) -> None:
        self.numbers: list[signal.Signals] = []
        self.process = os.getpid()  # which imported this; one that it forks has another

    def listen(self, *numbers: signal.Signals) -> None:
        """Be interrupted by these signals."""
        for number in numbers:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` wants it, or an interrupt
                signal.signal(number, self.interrupt)
                self.numbers.append(number)

    def interrupt(self, *_: object) -> None:
        """Interrupt, and hear nothing any more."""
        self.ignore()
        gevent.kill(gevent.get_hub().parent, KeyboardInterrupt)

    def ignore(self, **_: object) -> None:
        """Hear nothing any more: Locust ends by itself."""
        for number in self.numbers:
            signal.signal(number, signal.SIG_IGN)

    def follow(self) -> None:
        """End soon after the process that forked this one, if that could not say so: Locust waits for a minute."""
        while os.getppid() == self.process:
            gevent.sleep(ORPHAN_POLL_S)
        self.interrupt()


class LastWords:
    """What is said where Locust would show a traceback, and the exit code then. For `sys.excepthook`."""

    def __init__(self) -> None:
        self.code, self.reports = NOTHING_SENT, True  # while Locust starts: it opens its reports

    def __call__(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        """Say it in a line, and exit."""
        log.debug("where", exc_info=(kind, error, traceback))
        log.error("%s", self.words(error))
        sys.exit(self.code)

    def leave(self, code: str | int | None = None) -> NoReturn:
        """Exit, in place of `sys.exit`: Locust says 1 or -1 of wrong usage, which is ours once something was sent."""
        raise SystemExit(self.code if code in LOCUST_FAILED else code)

    def words(self, error: BaseException) -> str:
        """Return one line: Ctrl-C while Locust waits for workers, a report that it cannot write, whatever else."""
        if isinstance(error, KeyboardInterrupt):
            return "interrupted"
        cause = error.__cause__ or error  # `logging` wraps what it cannot open
        if self.reports and isinstance(cause, OSError) and cause.filename is not None:
            return plain(f"cannot write to {cause.filename}: {cause.strerror}; choose another --csv or --logfile")
        return plain(f"Locust failed: {error!r} (--loglevel DEBUG shows where)")


interrupts, last_words = Interrupts(), LastWords()
