"""The limit of open files, in a process of its own: who lowers it cannot raise it again."""

import subprocess
import sys

import pytest

from bench.processes.guarded import ROOT

ASK = """
import resource, sys
from bench.exits import UsageProblem
from bench.processes.descriptors import raise_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
try:
    raise_limit()
except UsageProblem as problem:
    print(problem)
print(resource.getrlimit(resource.RLIMIT_NOFILE))
"""


WORDS = (
    "only {0} files and connections may be open at once, and about 128 are needed; raise the limit: ulimit -n 128, if "
    "need be as root\n({0}, {0})\n"
)


@pytest.mark.parametrize(
    ("soft", "hard", "said"),
    [
        (64, 500, "(500, 500)\n"),
        (256, 256, "(256, 256)\n"),
        (64, 64, WORDS.format(64)),
        (50, 127, WORDS.format(127)),
    ],
)
def test_as_many_as_may_be_had_are_taken_and_too_few_are_told(soft: int, hard: int, said: str):
    argv = [sys.executable, "-c", ASK, str(soft), str(hard)]
    assert subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout == said
