"""A serving process as the keeper sees it: started, heard, told and ended."""

import contextlib
import math
import re
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

HANG_S = 10.0  # of silence: the event loop stands still, or the scheduler has said that the model hangs
READY = b"r"
SERVES = re.compile(rb"<([^<>]+)>")  # which version; said only by one that is ready
LONGEST = 256  # more than it says at once


class Child:
    """One serving process. It tells over its lifeline that it is ready, then that it is alive, with which version."""

    def __init__(self, argv: Sequence[str], listener: socket.socket, ready_s: float) -> None:
        self.lifeline, theirs = socket.socketpair()
        self.version: str | None = None  # that it serves
        self._said = b""
        handed = (listener.fileno(), theirs.fileno())
        inherited = ["--inherited", f"{handed[0]},{handed[1]}"]
        try:
            self.process = subprocess.Popen([sys.executable, "-m", __package__, *argv, *inherited], pass_fds=handed)
        except OSError:
            self.lifeline.close()
            raise
        finally:
            theirs.close()
        self.ready, self._ready_s = False, ready_s
        self.heard = time.monotonic()
        self.ends_by = math.inf  # when it has to be gone

    def listen(self) -> bool:
        """Read what it says; False when it is gone."""
        said = self.lifeline.recv(4096)
        self.ready = self.ready or READY in said
        self._said = (self._said + said)[-LONGEST:]
        if versions := SERVES.findall(self._said):
            self.version = versions[-1].decode()
        self.heard = time.monotonic()
        return bool(said)

    def hangs(self) -> bool:
        """Tell whether it has been silent for too long; until it is ready it says nothing."""
        return time.monotonic() - self.heard > (HANG_S if self.ready else self._ready_s)

    @property
    def fault(self) -> str:
        """What one that hangs does, for the log."""
        return "hangs" if self.ready else f"was not ready within {self._ready_s:.0f} s"

    def tell(self, number: int) -> None:
        """Send a signal; it may have ended meanwhile."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def end(self, deadline: float) -> int:
        """Wait until it has ended, at most until then; return its exit code."""
        try:
            code = self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.lifeline.close()
        return code
