import os
import subprocess
import sys

import psutil

from bench.machine.sampler import Sampler, use_of
from tests.processes import wait_for

BUSY = "import os\nos.fork()\nwhile True: pass"


def test_a_tree_is_summed_and_what_has_ended_adds_nothing():
    with subprocess.Popen([sys.executable, "-c", BUSY]) as root:
        try:
            tree = [psutil.Process(root.pid)]

            def both() -> None:
                assert len(tree[0].children()) == 1

            wait_for(both, process=root)
            tree += tree[0].children()
            assert use_of(tree)["threads"] == 2
        finally:
            for process in reversed(tree):
                process.kill()

    def nothing() -> None:
        assert use_of(tree) == {"cpu_percent": 0.0, "rss_bytes": 0, "threads": 0}

    wait_for(nothing)  # the orphan is only gone when init has collected it


def test_samples_come_by_themselves_and_name_their_process():
    with Sampler({"me": os.getpid()}) as sampler:

        def sampled() -> None:
            assert sampler.rows

        wait_for(sampled, seconds=5)
    assert {row["process"] for row in sampler.rows} == {"me"}
    assert all(row["rss_bytes"] for row in sampler.rows)
