"""Signals that come while something is begun or stopped are obeyed when that is done, and not lost."""

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from bench.processes import scratch
from bench.processes.guarded import Guarded, environment
from bench.processes.patience import undisturbed

SLEEPER = [sys.executable, "-c", "import signal; signal.pause()"]


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """SIGTERM and SIGHUP mean what Ctrl-C means, as on the command line."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(each, signal.default_int_handler) for each in numbers]
    yield
    for each, handler in zip(numbers, before, strict=True):
        signal.signal(each, handler)


def press(number: int = signal.SIGINT, times: int = 1) -> None:
    for _ in range(times):
        os.kill(os.getpid(), number)


def children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("times", [1, 3])
def test_a_signal_waits_for_the_end_and_is_obeyed_then(number: int, times: int):
    done = []

    def both() -> None:
        with undisturbed():
            press(number, times)
            with undisturbed():
                press(number, times)
            done.append("all")

    with pytest.raises(KeyboardInterrupt):
        both()
    assert done == ["all"]
    assert signal.getsignal(number) is signal.default_int_handler


def test_what_is_ignored_stays_ignored_and_other_threads_are_left_alone():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as `nohup` has it
    with undisturbed():
        press(signal.SIGHUP)

    def elsewhere() -> None:
        with undisturbed():
            ran.append(True)

    ran: list[bool] = []
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert ran


def pressing(of: Callable[..., object]) -> Callable[..., object]:
    """Return the same function, during which Ctrl-C is pressed twice."""

    def both(*given: object, **named: object) -> object:
        press(times=2)
        return of(*given, **named)

    return both


def test_ctrl_c_while_a_process_is_stopped_leaves_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    before, it = children(), Guarded("it", SLEEPER, env=environment(), log=tmp_path / "log")
    monkeypatch.setattr(it, "_close", pressing(it._close))
    with pytest.raises(KeyboardInterrupt):
        it.stop()
    assert children() == before


def test_ctrl_c_while_a_process_is_started_leaves_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    before = children()
    monkeypatch.setattr("subprocess.Popen", pressing(__import__("subprocess").Popen))
    with pytest.raises(KeyboardInterrupt):
        Guarded("it", SLEEPER, env=environment(), log=tmp_path / "log")
    assert children() == before


@pytest.mark.parametrize("when", ["claimed", "shutil.rmtree"])
def test_ctrl_c_while_a_folder_is_made_or_removed_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    name = f"bench.processes.scratch.{when}"
    original = scratch.claimed if when == "claimed" else scratch.shutil.rmtree
    monkeypatch.setattr(name, pressing(original))
    with pytest.raises(KeyboardInterrupt), scratch.folder("toy") as folder:
        (folder / "file").touch()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_a_failure_names_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for failure in (ValueError("look into it"), KeyError()):

        def fail(failure: Exception = failure) -> None:
            with scratch.folder("logs", kept_on=(ValueError,)) as folder:
                (folder / "log").touch()
                raise failure

        with pytest.raises(type(failure)):
            fail()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["log"]
