"""A process that stays and is asked, for real."""

import sys
from pathlib import Path

import psutil
import pytest

from bench.exits import GeneratorFailed, StackFailed
from bench.processes.turns import Turns

COUNTING = """
import os
turn = 0
while True:
    turn += 1
    print(turn, input(), os.getpid(), flush=True)
"""


def turns(tmp_path: Path, script: str, **more: type[GeneratorFailed]) -> Turns:
    return Turns("it", [sys.executable, "-c", script], log=tmp_path / "log", **more)


def test_the_same_process_has_every_turn_and_is_gone_afterwards(tmp_path: Path):
    with turns(tmp_path, COUNTING) as it:
        (first, *one), (second, *two) = (it.ask("now", 10).split() for _ in range(2))
        assert (first, second) == ("1", "2")
        assert one == two
        child = psutil.Process(int(one[1]))
    assert not child.is_running()


def test_one_that_ends_is_told_with_its_last_words(tmp_path: Path):
    with (
        turns(tmp_path, "raise SystemExit(f'no {input()}')") as it,
        pytest.raises(StackFailed, match=r"(?s)it failed \(exit code 1\); its last log lines.*no photos"),
    ):
        it.ask("photos", 10)


def test_one_that_hangs_is_told_by_the_failure_that_was_asked_for(tmp_path: Path):
    with (
        turns(tmp_path, "import signal; signal.pause()", failure=GeneratorFailed) as it,
        pytest.raises(GeneratorFailed, match="it did not answer in time"),
    ):
        it.ask("anything", 0.05)


def test_nobody_is_asked_outside(tmp_path: Path):
    with pytest.raises(RuntimeError, match="runs only inside its `with`"):
        turns(tmp_path, COUNTING).ask("now", 1)
