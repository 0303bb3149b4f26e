import os
import subprocess

import pytest

from bench.exits import CanaryFailed
from bench.machine import canary


def test_every_round_of_the_work_is_timed():
    found = canary.measure([min(os.sched_getaffinity(0))], rounds=3)
    assert len(found.ms) == 3
    assert min(found.ms) <= found.median <= max(found.ms)
    assert found.median > 1, "so little work cannot tell a slow machine from a fast one"


def test_one_interrupted_round_does_not_move_the_median():
    assert canary.Canary([20.0, 21.0, 500.0]).median == 21.0


def test_the_child_is_pinned_where_it_was_asked_for_and_its_last_words_are_told():
    with pytest.raises(CanaryFailed, match=r"canary.*could not be timed: .*: OSError.* Invalid argument"):
        canary.measure([10_000], rounds=1)  # no machine has that core


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (subprocess.TimeoutExpired("canary", 60.0), "timed out after 60.0 seconds"),
        (subprocess.CalledProcessError(-9, "canary", stderr=""), "died with <Signals.SIGKILL: 9>"),
        (OSError("no such program"), "could not be timed: no such program"),
    ],
)
def test_however_it_fails_that_is_no_bug_and_told_in_words(error: Exception, words: str):
    found = canary.failed(error)
    assert isinstance(found, CanaryFailed)
    assert words in str(found)
