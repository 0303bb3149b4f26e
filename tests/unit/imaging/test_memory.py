"""Freed memory is kept: a megabyte used over and over costs no page fault after the first time."""

import resource
import subprocess
import sys

import pytest

from tests.conftest import ROOT

PROGRAM = """
import resource, sys, threading
from imaging.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
def work():
    for _ in range(20):
        [bytearray(1_000_000) for _ in range(5)]
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for _ in range(100):
        [bytearray(1_000_000) for _ in range(5)]
    print(resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before)
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


def faults(how: str) -> int:
    run = subprocess.run([sys.executable, "-c", PROGRAM, how], cwd=ROOT, capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(not hasattr(resource, "RUSAGE_THREAD"), reason="page faults of a thread are counted on Linux only")
def test_a_thread_that_frees_and_takes_again_meets_no_new_pages():
    assert faults("leave") > 10_000, "without it the pages are given back, or this test shows nothing"
    assert faults("keep") < 1_000
