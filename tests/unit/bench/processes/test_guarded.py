"""A guarded command that talks, for real: asked on stdin, it answers on stdout. The guard itself is in tests/e2e."""

import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from bench.exits import GeneratorFailed, StackFailed
from bench.processes.guarded import ROOT, Guarded, ending, environment
from tests.processes import wait_for

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the guard, and lets it find all")
ECHO = """
import sys
print("up", file=sys.stderr, flush=True)
for line in sys.stdin:
    print("heard", line.strip(), flush=True)
print("over", file=sys.stderr, flush=True)
"""
# It ignores that nobody asks any more, and SIGTERM.
STUBBORN = """
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for line in sys.stdin:
    print(os.getpid(), flush=True)
while True:
    signal.pause()
"""
# Three of a family, one outside the session; asked to end, each says so in the log.
POLITE = """
import os, signal, sys
def bye(*_):
    os.write(2, b"bye ")
    os._exit(7)
signal.signal(signal.SIGTERM, bye)
if os.fork() == 0 and os.fork() == 0:
    os.setsid()
os.write(1, b"%d\\n" % os.getpid())
while True:
    signal.pause()
"""
HARNESS = """
import sys
from pathlib import Path
from bench.processes.guarded import Guarded, environment
argv = [sys.executable, "-c", sys.argv[1]]
with Guarded("stubborn", argv, env=environment(), log=Path(sys.argv[2]), talks=True) as it:
    print(it.ask("who are you", 10), flush=True)
    it.wait()
"""


def talking(log: Path, script: str) -> Guarded:
    return Guarded("it", [sys.executable, "-c", script], env=environment(), log=log, talks=True)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_each_line_is_answered_by_one_and_the_log_has_only_stderr(log: Path):
    with talking(log, ECHO) as it:
        assert [it.ask(line, 10) for line in ("one", "two", "three")] == ["heard one", "heard two", "heard three"]
        assert log.read_text() == "up\n"


def test_an_answer_longer_than_a_pipe_comes_whole(log: Path):
    with talking(log, "input(); print('x' * 300_000)") as it:
        assert it.ask("go", 10) == "x" * 300_000


def test_an_answer_that_does_not_come_in_time_is_none(log: Path):
    with talking(log, "import signal; signal.pause()") as it:
        assert it.ask("anybody?", 0.05) is None
        assert it.wait(0) is None, "it still runs"


@pytest.mark.parametrize("script", ["raise SystemExit(7)", "input(); raise SystemExit(7)"])
def test_one_that_ends_instead_answers_none_and_its_code_is_known_at_once(log: Path, script: str):
    with talking(log, script) as it:
        assert it.ask("anybody?", 10) is None
        assert it.wait(0) == 7
        assert it.ask("still there?", 10) is None


def test_after_it_nothing_is_left_and_stopping_twice_is_harmless(log: Path):
    with talking(log, STUBBORN) as it:
        child = psutil.Process(int(it.ask("who are you", 10) or ""))
        assert child.is_running()
    assert not child.is_running()
    it.stop()


def test_one_that_was_not_started_to_talk_cannot_be_asked(log: Path):
    with (
        Guarded("it", [sys.executable, "-c", ECHO], env=environment(), log=log) as it,
        pytest.raises(RuntimeError, match="it was not started to talk"),
    ):
        it.ask("anybody?", 1)


@pytest.fixture
def polite(tmp_path: Path, log: Path) -> Iterator[tuple[Guarded, list[psutil.Process]]]:
    told = tmp_path / "told"
    with Guarded("it", [sys.executable, "-c", POLITE], env=environment(), log=log, output=told) as it:
        pids = wait_for(lambda: [*zip(range(3), told.read_text().split(), strict=True)], (ValueError,))
        yield it, [psutil.Process(int(pid)) for _, pid in pids]


def soon(family: list[psutil.Process], *, resting: bool) -> None:
    def probe() -> None:
        assert {each.status() == psutil.STATUS_STOPPED for each in family} == {resting}

    wait_for(probe)


@LINUX
def test_the_whole_family_rests_and_goes_on(polite: tuple[Guarded, list[psutil.Process]]):
    it, family = polite
    for order in ("rest", "rest", "wake", "wake", "rest"):
        it.order(order)
        soon(family, resting=order == "rest")
        assert it.wait(0) is None


@LINUX
def test_a_family_that_rests_is_still_asked_to_end(polite: tuple[Guarded, list[psutil.Process]], log: Path):
    it, family = polite
    it.order("rest")
    it.stop()
    assert not any(each.is_running() for each in family)
    assert (it.wait(0), log.read_text()) == (7, "bye bye bye ")


def test_one_that_has_ended_can_neither_rest_nor_wake(log: Path):
    with talking(log, "raise SystemExit(7)") as it:
        it.ask("anybody?", 10)
        it.order("rest")
        it.order("wake")
        assert it.wait(0) == 7
    with talking(log, "import os, signal; os.kill(os.getppid(), signal.SIGKILL); signal.pause()") as it:
        it.ask("anybody?", 10)
        it.order("rest")
        assert it.wait(0) == -9


def test_what_became_of_it_is_told_with_its_last_words(log: Path):
    with talking(log, "import sys; sys.exit('no ' + input())") as it:
        it.must_run()
        with pytest.raises(GeneratorFailed, match="it did not finish in 0 s"):
            it.end_well(0.05, GeneratorFailed)
        it.ask("photos", 10)
        for found in (it.must_run, lambda: it.end_well(10)):
            with pytest.raises(StackFailed, match=r"(?s)it \w.* \(exit code 1\); its last log lines, from .*no photos"):
                found()
    with talking(log, "") as it:
        it.end_well(10)


@pytest.mark.parametrize(("code", "words"), [(0, "exit code 0"), (3, "exit code 3"), (-9, "killed by signal 9")])
def test_an_ending_is_told_in_words(code: int, words: str):
    assert ending(code) == words


@pytest.fixture
def harness(log: Path) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", HARNESS, STUBBORN, str(log)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@LINUX
def test_when_the_harness_is_killed_it_is_gone(harness: subprocess.Popen[str]):
    assert harness.stdout is not None
    everybody = [psutil.Process(int(harness.stdout.readline())), *psutil.Process(harness.pid).children()]
    assert len(set(everybody)) == 2, "the guard, too"
    harness.kill()

    def gone() -> None:
        assert [each for each in everybody if each.is_running() and each.status() != psutil.STATUS_ZOMBIE] == []

    wait_for(gone, (AssertionError, psutil.Error))


def test_of_a_huge_log_only_the_end_is_read_and_nothing_in_it_moves_the_cursor(tmp_path: Path):
    log = tmp_path / "log"
    with talking(log, "pass") as it, log.open("wb") as file:
        file.truncate(1_000_000_000)  # a hole, which takes no room
        file.seek(0, 2)
        file.write(b"\n\x1b[2Jgone\r\xff\n\xe2\x80\xaelast")
        file.flush()
        tracemalloc.start()
        shown = it.tail()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert shown.splitlines()[-3:] == [r"    \x1b[2Jgone", "    \N{REPLACEMENT CHARACTER}", r"    \u202elast"]
    assert len(shown) < 10_000
    assert peak < 3_000_000


def test_a_line_without_end_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bench.processes.guarded.LONGEST_LINE", 100_000)
    with talking(tmp_path / "log", "print('x' * 10_000_000, flush=True)") as it:
        assert it.ask("go on", 10) is None


def test_an_answer_that_is_no_text_is_still_an_answer(tmp_path: Path):
    script = "import os; os.write(1, bytes([255, 10])); input()"
    with talking(tmp_path / "log", script) as it:
        assert it.ask("what", 10) == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("argument", ["x" * 3_000_000, "a\0b"])
def test_what_the_system_cannot_start_is_told(argument: str, tmp_path: Path):
    with pytest.raises(StackFailed, match="it cannot be started"):
        talking(tmp_path / "log", argument)


def test_why_a_log_is_empty_is_told_where_its_disk_is_full(log: Path, monkeypatch: pytest.MonkeyPatch):
    with talking(log, "") as it:
        it.end_well(10)
        assert it.tail() == "    (its log is empty)"
        monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
        assert it.tail() == "    (its log is empty: no room is left on its disk)"


def test_what_the_parent_blocks_is_not_blocked_for_the_guard_and_its_child(tmp_path: Path):
    """Else the guard would never learn that its child has ended, and the child not that it shall."""
    script = "import signal, sys; sys.exit(len(signal.pthread_sigmask(signal.SIG_BLOCK, [])))"
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM, signal.SIGUSR1})
    try:
        with Guarded("it", [sys.executable, "-c", script], env=environment(), log=tmp_path / "log") as it:
            assert it.wait(20) == 0
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
