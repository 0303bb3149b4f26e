"""Real processes in tests: ports from the kernel, waiting by polling with a deadline."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(
    probe: Callable[[], T],
    not_yet: tuple[type[Exception], ...] = (AssertionError,),
    process: subprocess.Popen[Any] | None = None,
    seconds: float = 30,
) -> T:
    """Call `probe` until it raises none of `not_yet`, at most so long, and only while the process runs."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return probe()
        except not_yet:
            assert process is None or process.poll() is None, "the process has ended"
            if time.monotonic() > deadline:
                raise
        threading.Event().wait(0.05)
