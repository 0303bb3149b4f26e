"""What every process of the stack and the generator uses, once a second, summed over each process tree."""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Self

import psutil

from bench.machine.cores import give_way

PERIOD_S = 1.0

Name = tuple[str, str]  # variant and process


class Sampler:
    """Context manager: samples in a thread while it is open. `rows` hold t_ns on the monotonic clock.

    `roots` says at any moment which trees there are, by variant and process: one that was started again is followed. It
    runs on the generator's cores, so it must be cheap and give way: looking for new processes reads all of /proc, a
    millisecond on a small machine, and is therefore done for one tree per sample, in turn.
    """

    def __init__(self, roots: Callable[[], Mapping[Name, int]], period_s: float = PERIOD_S) -> None:
        self.rows: list[dict[str, object]] = []
        self._roots = roots
        self._period_s = period_s
        self._trees: dict[Name, list[psutil.Process]] = {}
        self._turn = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def __enter__(self) -> Self:
        self._follow()
        for name in self._trees:
            self._look_for_children(name)
        self._sample()  # psutil gives the CPU use since the last look, so the first look gives nothing
        self.rows.clear()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        give_way()
        due = time.monotonic() + self._period_s
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            self._follow()
            names = list(self._trees)
            if names:
                self._look_for_children(names[self._turn % len(names)])
            self._turn += 1
            self._sample()
            due += self._period_s

    def _follow(self) -> None:
        """Take up trees with a new root, and drop those whose root is no longer named."""
        roots = self._roots()
        self._trees = {name: tree for name, tree in self._trees.items() if roots.get(name) == tree[0].pid}
        for name, pid in roots.items():
            if name not in self._trees:
                with contextlib.suppress(psutil.NoSuchProcess):  # whoever waits for it will say how it ended
                    self._trees[name] = [psutil.Process(pid)]

    def _look_for_children(self, name: Name) -> None:
        known = {process.pid: process for process in self._trees[name]}
        root = self._trees[name][0]
        with contextlib.suppress(psutil.NoSuchProcess):
            found = root.children(recursive=True)  # known ones are kept: the object remembers its last look
            self._trees[name] = [root, *(known.get(process.pid, process) for process in found)]

    def _sample(self) -> None:
        now = time.monotonic_ns()
        for (variant, process), tree in self._trees.items():
            self.rows.append({"t_ns": now, "variant": variant, "process": process, **use_of(tree)})


def use_of(tree: list[psutil.Process]) -> dict[str, float | int]:
    """Return CPU (100 is one core), memory and threads of a tree; a process that has ended adds nothing."""
    cpu, rss, threads = 0.0, 0, 0
    for process in tree:
        with contextlib.suppress(psutil.NoSuchProcess), process.oneshot():
            cpu += process.cpu_percent()
            rss += process.memory_info().rss
            threads += process.num_threads()
    return {"cpu_percent": cpu, "rss_bytes": rss, "threads": threads}


def memory_of(pid: int) -> int:
    """Return the bytes that a process tree holds, memory that processes share counted once (proportional set size).

    Where the system does not tell that, resident memory, which counts what workers share once for each.
    """
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += own_memory(process)
    return total


def own_memory(process: psutil.Process) -> int:
    """Return the bytes of one process."""
    try:
        return int(process.memory_full_info().pss)
    except (AttributeError, psutil.AccessDenied):
        return int(process.memory_info().rss)
