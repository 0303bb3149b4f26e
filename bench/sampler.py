"""What every process of the stack and the generator uses, once a second, summed over each process tree."""

import contextlib
import threading
import time
from collections.abc import Mapping
from typing import Self

import psutil

PERIOD_S = 1.0


class Sampler:
    """Context manager: samples in a thread while it is open. `rows` hold t_ns on the monotonic clock."""

    def __init__(self, roots: Mapping[str, int]) -> None:
        self.rows: list[dict[str, object]] = []
        self._roots = dict(roots)
        self._known: dict[int, psutil.Process] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def __enter__(self) -> Self:
        self._sample()  # psutil gives the CPU use since the last look, so the first look gives nothing
        self.rows.clear()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            self._sample()
            due += PERIOD_S

    def _sample(self) -> None:
        now = time.monotonic_ns()
        for name, pid in self._roots.items():
            with contextlib.suppress(psutil.NoSuchProcess):
                tree = [self._process(pid), *self._process(pid).children(recursive=True)]
                self.rows.append({"t_ns": now, "process": name, **self._use(tree)})

    def _process(self, pid: int) -> psutil.Process:
        if pid not in self._known:
            self._known[pid] = psutil.Process(pid)
        return self._known[pid]

    def _use(self, tree: list[psutil.Process]) -> dict[str, float | int]:
        cpu, rss, threads = 0.0, 0, 0
        for found in tree:
            process = self._known.setdefault(found.pid, found)  # the same object each time: it remembers its last look
            with contextlib.suppress(psutil.NoSuchProcess), process.oneshot():
                cpu += process.cpu_percent()
                rss += process.memory_info().rss
                threads += process.num_threads()
        return {"cpu_percent": cpu, "rss_bytes": rss, "threads": threads}
