"""The keeper: a small process that holds the port, while serving processes come and go.

    SIGHUP   the serving process loads the version that the live file names
    SIGUSR2  a new serving process starts; when it is ready it takes over, and the old one finishes what it has
    SIGTERM  the serving process drains, then all ends

Other signals that only mean something to a process that expects them do nothing.
A serving process that crashes is replaced, and so is one whose event loop or model hangs, or that does not get ready.
Whoever comes later is told which version was served before: where the live one cannot be had, it serves that.
The port stays open meanwhile: connections wait in the kernel until the next one accepts them.
"""

import contextlib
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import Self

from model_as_service.server.child import Child
from model_as_service.server.limits import STRAY

END_S = 40.0  # more than a serving process takes to drain, beside its grace period
SOON_S, LATE_S = 0.1, 5.0  # how long to wait before the next attempt, at first and at most
TICK_S = 1.0
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2)


class Keeper:
    """Context manager: holds the port until it is left. `run` returns the exit code."""

    def __init__(
        self, argv: Sequence[str], host: str, port: int, *, grace_s: float = 0.0, ready_s: float = 120.0
    ) -> None:
        self._argv, self._end_s, self._ready_s = argv, grace_s + END_S, ready_s
        self._listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, port))
        self._serving: Child | None = None
        self._successor: Child | None = None
        self._retired: list[Child] = []
        self._reload = self._roll = False  # asked for and not yet done
        self._pause, self._again_at = SOON_S, 0.0
        self._code: int | None = None  # of the last one that ended
        self._version: str | None = None  # that was served last
        self._wake, alarm = socket.socketpair()
        alarm.setblocking(False)  # noqa: FBT003
        self._alarm = alarm

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def run(self) -> int:
        """Keep one serving process alive until told to end; return its exit code where the first one never served."""
        signal.set_wakeup_fd(self._alarm.fileno())
        for number in (*SIGNALS, *STRAY):  # not ignored: whom we start would ignore them, too
            signal.signal(number, _nothing)
        self._serving = self._start()
        served = False
        while True:
            told = self._wait()
            if {signal.SIGTERM, signal.SIGINT} & told:
                return self._stop()
            served = served or any(child.ready for child in self._children)
            if not served and not self._children and self._code is not None:
                return self._code if self._code >= 0 else 128 - self._code  # as a shell tells of a signal
            self._follow(told)
            self._revive()

    def _start(self) -> Child | None:
        """Start a serving process, or say why that is not possible now: there may be too many, or no memory for one."""
        try:
            before = () if self._version is None else ("--before", self._version)
            return Child([*self._argv, *before], self._listener, self._ready_s)
        except OSError as error:
            self._later()
            say(f"no serving process can be started now ({error.strerror}); trying again")
            return None

    def _later(self) -> None:
        self._again_at = time.monotonic() + self._pause
        self._pause = min(LATE_S, 2 * self._pause)

    def _wait(self) -> set[int]:
        """Sleep until a signal or a child says something; return the signals."""
        lines = {child.lifeline: child for child in self._children}
        before = time.monotonic()
        readable, _, _ = select.select([self._wake, *lines], [], [], TICK_S)
        if time.monotonic() - before > 2 * TICK_S:  # stopped ourselves: then nobody else is to blame for the silence
            for child in self._children:
                child.heard = time.monotonic()
        for line in readable:
            if line in lines and not lines[line].listen():
                self._gone(lines[line])
        if self._serving is not None and self._serving.version is not None:
            self._version = self._serving.version
        return set(self._wake.recv(4096)) if self._wake in readable else set()

    @property
    def _children(self) -> list[Child]:
        return [child for child in (self._serving, self._successor, *self._retired) if child is not None]

    def _gone(self, child: Child) -> None:
        self._code = child.end(time.monotonic() + 1)
        if child in self._retired:
            self._retired.remove(child)
        elif child is self._successor:
            self._successor = None
            say(f"the new serving process ended ({self._code}) before it was ready; the old one goes on")
        else:
            self._serving, self._successor = self._successor, None
            self._later()
            if child.ready:
                say(f"the serving process ended by itself ({self._code}); starting another")

    def _follow(self, told: set[int]) -> None:
        """Do what the signals ask for, and hand over to a successor that has become ready."""
        self._reload = self._reload or signal.SIGHUP in told
        if signal.SIGUSR2 in told:
            self._roll = True
            if self._successor is not None:
                self._successor.tell(signal.SIGKILL)  # asked again: it may never become ready
        if self._roll and self._successor is None and self._serving is not None and self._may_start:
            self._successor = self._start()
            self._roll = self._successor is None
        if self._successor is not None and self._successor.ready:
            if self._serving is not None:
                self._serving.tell(signal.SIGUSR1)
                self._serving.ends_by = time.monotonic() + self._end_s
                self._retired.append(self._serving)
            self._serving, self._successor = self._successor, None
            self._reload = True  # another version may have gone live since the successor looked
        if self._serving is not None and self._serving.ready:
            self._pause = self._pause if self._roll else SOON_S
            if self._reload:
                self._serving.tell(signal.SIGHUP)
                self._reload = False

    def _revive(self) -> None:
        """End a process that hangs, and start one where none serves."""
        for child, name in ((self._serving, "the serving process"), (self._successor, "the new serving process")):
            if child is not None and child.hangs():
                say(f"{name} {child.fault}; it is ended")
                child.tell(signal.SIGKILL)
        for child in self._retired:
            if time.monotonic() > child.ends_by:
                child.tell(signal.SIGKILL)
        if self._serving is None and self._may_start:
            self._serving = self._start()

    @property
    def _may_start(self) -> bool:
        return time.monotonic() >= self._again_at

    def _stop(self) -> int:
        deadline = time.monotonic() + self._end_s
        for child in self._children:
            child.tell(signal.SIGTERM)
        for child in self._children:
            child.end(deadline)
        return 0


def say(words: str) -> None:
    """Leave a line in the log, where there is one: a full disk or a closed terminal ends nothing."""
    with contextlib.suppress(OSError):
        print(f"inference server: {words}", file=sys.stderr, flush=True)  # noqa: T201


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Handle a signal by waking up only."""
