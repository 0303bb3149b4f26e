import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest

from bench.machine.sampler import Sampler, memory_of, own_memory, use_of
from tests.processes import wait_for

MIB = 2**20
BUSY = "import os\nos.fork()\nwhile True: pass"
WAITING = """
import signal, threading
for _ in range({threads} - 1):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
signal.pause()
"""
SHARING = f"import os, signal\nheld = bytearray(os.urandom({32 * MIB}))\nos.fork()\nsignal.pause()"
ME, IT = ("v", "me"), ("v", "web")
PERIOD_S = 0.02
PSS = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what processes share")


@contextmanager
def family(code: str) -> Iterator[list[psutil.Process]]:
    """Run code that forks once; yields parent and child."""
    with subprocess.Popen([sys.executable, "-c", code]) as root:
        tree = [psutil.Process(root.pid)]

        def both() -> None:
            assert len(tree[0].children()) == 1

        try:
            wait_for(both, process=root)
            tree += tree[0].children()
            yield tree
        finally:
            for process in reversed(tree):
                process.kill()


def test_a_tree_is_summed_and_what_has_ended_adds_nothing():
    with family(BUSY) as tree:
        assert use_of(tree)["threads"] == 2

    def nothing() -> None:
        assert use_of(tree) == {"cpu_percent": 0.0, "rss_bytes": 0, "threads": 0}

    wait_for(nothing)  # the orphan is only gone when init has collected it


def test_samples_come_by_themselves_and_name_variant_and_process():
    with Sampler(lambda: {ME: os.getpid(), ("", "generator"): os.getpid()}) as sampler:

        def sampled() -> None:
            assert sampler.rows

        wait_for(sampled, seconds=5)
    assert {(row["variant"], row["process"]) for row in sampler.rows} == {ME, ("", "generator")}
    assert all(row["rss_bytes"] for row in sampler.rows)


def test_a_process_that_has_ended_already_is_left_out():
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    with Sampler(lambda: {("v", "gone"): ended.pid, ME: os.getpid()}, PERIOD_S) as sampler:
        wait_for(lambda: sampler.rows[0], (IndexError,), seconds=5)
    assert {row["process"] for row in sampler.rows} == {"me"}
    assert memory_of(ended.pid) == 0


def test_a_process_that_was_started_again_is_followed_and_one_that_is_not_named_is_left_alone():
    roots = {ME: os.getpid()}

    def threads(process: str) -> list[object]:
        return [row["threads"] for row in list(sampler.rows) if row["process"] == process]

    def until(probe: Callable[[], bool]) -> None:
        def true() -> None:
            assert probe()

        wait_for(true)

    def two_more_samples() -> None:
        before = len(threads("me"))
        until(lambda: len(threads("me")) >= before + 2)

    with Sampler(lambda: dict(roots), PERIOD_S) as sampler:
        for count in (1, 3):
            with subprocess.Popen([sys.executable, "-c", WAITING.format(threads=count)]) as process:
                roots[IT] = process.pid
                until(lambda count=count: count in threads("web"))
                process.kill()
            until(lambda: threads("web")[-1] == 0)  # it has ended, and nobody has said so
        del roots[IT]
        two_more_samples()
        seen = len(threads("web"))
        two_more_samples()
        assert len(threads("web")) == seen


@PSS
def test_memory_that_processes_share_is_counted_once():
    """Forked, both hold the same 32 MiB: two thirds of the sum of what each seems to hold would already be too much."""
    with family(SHARING) as tree:

        def held() -> None:
            assert all(process.memory_info().rss > 32 * MIB for process in tree)

        wait_for(held)
        seeming = sum(process.memory_info().rss for process in tree)
        assert 32 * MIB < memory_of(tree[0].pid) < seeming - 28 * MIB
        assert memory_of(tree[0].pid) == pytest.approx(sum(own_memory(process) for process in tree), rel=0.01)


class Foreign:
    """A process that does not let itself be looked into, or whose system does not tell shares."""

    def __init__(self, full: object) -> None:
        self.full = full

    def memory_full_info(self) -> object:
        if isinstance(self.full, Exception):
            raise self.full
        return self.full

    def memory_info(self) -> object:
        return type("Info", (), {"rss": 7})()


@pytest.mark.parametrize("full", [psutil.AccessDenied(), object()])
def test_where_shares_are_not_told_it_is_the_resident_memory(full: object):
    assert own_memory(Foreign(full)) == 7
