"""Where what we start listens: a free port of this machine, asked until it answers."""

import http.client
import socket
import time

from bench.exits import StackFailed
from bench.processes import asking
from bench.processes.guarded import Guarded

HOST = "127.0.0.1"
POLL_S = 0.05
ASK_S = 2.0


def free_port() -> int:
    """Return a port that is free right now, chosen by the kernel."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def ask(port: int, path: str) -> str:
    """GET a path once; return the status code as text, or what went wrong."""
    try:
        return str(asking.get(HOST, port, path, seconds=ASK_S).status)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return type(error).__name__


def wait_until_ready(process: Guarded, port: int, path: str, deadline_s: float) -> None:
    """Ask until the answer is 200. Raises StackFailed if it is late, or at once if the process ends meanwhile."""
    deadline, answer = time.monotonic() + deadline_s, "nothing"
    while time.monotonic() < deadline:
        answer = ask(port, path)
        if answer == "200":
            return
        if process.wait(POLL_S) is not None:
            break
    process.must_run()
    raise StackFailed(process.words(f"was not ready after {deadline_s:.0f} s (GET {path}: {answer})"))
