"""How gunicorn's workers start: what keeps one of them from it must not end those that serve.

A worker needs a process, memory, descriptors, threads and a temporary file, none of which there may be for a moment.
"""

import mmap
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

RETRY_S = 1.0
# Shared by the master and all workers: whether any of them has ever started. Before, whoever starts the server is told.
_SERVED = mmap.mmap(-1, 1)


def patient(arbiter: Any) -> Callable[[], object]:  # noqa: ANN401  (gunicorn's own types are not public)
    """Return the master's `spawn_worker`, such that a failure is tried again; gunicorn looks every second."""
    spawn = arbiter.spawn_worker

    def spawn_worker() -> object:
        try:
            return spawn()
        except (OSError, MemoryError, RuntimeError) as error:  # RuntimeError: the temporary folder is gone
            if os.getpid() != arbiter.pid or not _SERVED[0]:
                raise
            arbiter.log.error("no worker can be started, and it is tried again: %s", error)  # noqa: TRY400
            return None

    return spawn_worker


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """A worker that is tried again where it cannot start."""

    def init_process(self) -> None:
        """Start and serve."""
        try:
            super().init_process()
        except Exception as error:
            if self.booted or not _SERVED[0]:
                raise
            self.log.error("a worker cannot start, and is tried again: %s", error)  # noqa: TRY400  (no traceback)
            time.sleep(RETRY_S)
            sys.exit(1)

    def load_wsgi(self) -> None:
        """Build the application, once all threads are there: later there may be no room for them."""
        together = threading.Barrier(self.cfg.threads + 1)
        try:
            for _ in range(self.cfg.threads):
                self.tpool.submit(together.wait)
        except RuntimeError:
            together.abort()
            raise
        together.wait()
        super().load_wsgi()
        _SERVED[0] = 1
