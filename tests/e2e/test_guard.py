"""Whatever the harness starts ends with it, however the harness ends. Real processes, killed for real."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from bench.exits import StackFailed, UsageProblem
from bench.processes.guarded import GUARD, ROOT, Guarded, environment
from bench.stacks.running import Place, RunningStack
from tests.processes import free_port, wait_for
from tests.unit.bench.variants import TINY, TOY, place, variant

FIVE_SECONDS = 5.0
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a guard find what left its session")

# A family that is hard to end: it ignores SIGTERM, has a grandchild, and one more that has left the session.
STUBBORN = """
import os, signal, socket, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
if os.fork() == 0 and os.fork() == 0:
    os.setsid()
os.write(1, b"up %d\\n" % os.getpid())
while True:
    signal.pause()
"""
HARNESS = """
import sys
from pathlib import Path
from bench.processes.guarded import Guarded, environment
argv = [sys.executable, "-c", sys.argv[1], sys.argv[2]]
with Guarded("stubborn", argv, env=environment(), log=Path(sys.argv[3])) as it:
    it.wait()
"""


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def assert_gone(processes: list[psutil.Process], port: int | None = None) -> None:
    left = [process for process in processes if alive(process)]
    assert not left
    if port is not None:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))


def gone_within_five_seconds(processes: list[psutil.Process], port: int | None = None) -> None:
    wait_for(lambda: assert_gone(processes, port), (AssertionError, OSError), seconds=FIVE_SECONDS)


def family(log: Path, size: int) -> list[psutil.Process]:
    """Return the processes that said in the log that they are up."""

    def read() -> list[psutil.Process]:
        lines = log.read_text().splitlines() if log.exists() else []
        assert len(lines) == size
        return [psutil.Process(int(line.split()[1])) for line in lines]

    return wait_for(read)


def start(log: Path, *argv: str) -> Guarded:
    return Guarded("it", [sys.executable, *argv], env=environment(), log=log)


@contextmanager
def running(*argv: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a harness that is gone after the test, even if the test fails."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, *argv], cwd=ROOT, **quiet) as harness:
        try:
            yield harness
        finally:
            harness.kill()


@pytest.fixture
def started() -> Iterator[list[psutil.Process]]:
    """Processes that must not outlive the test, even if what it tests does not work."""
    processes: list[psutil.Process] = []
    yield processes
    for process in processes:
        if alive(process):
            process.kill()


@LINUX
def test_when_the_harness_is_killed_its_stubborn_family_is_gone_and_its_port_free(
    tmp_path: Path, started: list[psutil.Process]
):
    port, log = free_port(), tmp_path / "log"
    with running("-c", HARNESS, STUBBORN, str(port), str(log)) as harness:
        everybody = [*family(log, 3), *psutil.Process(harness.pid).children(recursive=True)]
        started += everybody
        assert len(set(everybody)) == 4  # the guard, too
        harness.kill()
        gone_within_five_seconds(everybody, port)


@LINUX
def test_a_run_that_is_killed_in_mid_trial_leaves_nothing(tmp_path: Path, started: list[psutil.Process]):
    argv = ["-m", "bench.cli", "run", "--profile", str(TINY), "--variants", str(TOY), "--out", str(tmp_path)]
    with running(*argv, "--photos", str(TOY)) as harness:

        def under_load() -> list[psutil.Process]:
            children = psutil.Process(harness.pid).children(recursive=True)
            commands = [process.cmdline() for process in children]
            assert any("locust" in command and str(GUARD) not in command for command in commands)
            assert len(children) == 4  # the toy and the generator, each with its guard
            return children

        everybody = wait_for(under_load, (AssertionError, psutil.NoSuchProcess), process=harness)
        started += everybody
        ports = {connection.laddr.port for process in everybody for connection in process.net_connections("tcp4")}
        harness.kill()
        for port in ports or {0}:
            gone_within_five_seconds(everybody, port)


@LINUX
def test_a_killed_guard_takes_its_child_along(tmp_path: Path, started: list[psutil.Process]):
    with start(tmp_path / "log", "-c", "import signal; signal.pause()") as it:
        child = psutil.Process(it.pid)
        started.append(child)
        guard = child.parent()
        assert guard is not None
        guard.kill()
        gone_within_five_seconds([child])
        assert it.wait(FIVE_SECONDS) == -signal.SIGKILL


def test_stopping_ends_a_child_that_ignores_sigterm(tmp_path: Path):
    port, log = free_port(), tmp_path / "log"
    with start(log, "-c", STUBBORN, str(port)) as it:
        everybody = family(log, 3)
        began = time.monotonic()
    assert time.monotonic() - began < FIVE_SECONDS
    assert_gone(everybody, port)
    assert it.wait(0) == -signal.SIGKILL


def test_a_polite_child_gets_the_chance_to_end_itself(tmp_path: Path):
    polite = "import signal, sys; signal.signal(15, lambda *_: sys.exit(7)); print('up', 0, flush=True); signal.pause()"
    with start(tmp_path / "log", "-c", polite) as it:
        wait_for(lambda: (tmp_path / "log").read_text().index("up"), (ValueError,))
    assert it.wait(0) == 7


def test_what_a_finished_command_left_behind_is_ended(tmp_path: Path, started: list[psutil.Process]):
    seen = tmp_path / "seen"
    leaving = (
        "import os, signal, time\n"
        "if pid := os.fork():\n"
        "    print('up', pid, flush=True)\n"
        f"    while not os.path.exists({str(seen)!r}): time.sleep(0.01)\n"
        "    os._exit(3)\n"
        "signal.pause()"
    )
    with start(tmp_path / "log", "-c", leaving) as it:
        (left,) = family(tmp_path / "log", 1)
        started.append(left)
        seen.touch()
        assert it.wait(FIVE_SECONDS) == 3
        gone_within_five_seconds([left])


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot pin")
def test_a_child_runs_on_the_cores_it_was_given(tmp_path: Path):
    core = min(os.sched_getaffinity(0))
    show = "import os; print('up', *os.sched_getaffinity(0))"
    with Guarded("it", [sys.executable, "-c", show], env=environment(), log=tmp_path / "log", cores=[core]) as it:
        assert it.wait(FIVE_SECONDS) == 0
    assert (tmp_path / "log").read_text().split() == ["up", str(core)]


def test_a_program_that_does_not_exist_is_said(tmp_path: Path):
    with Guarded("it", ["no-such-program"], env=environment(), log=tmp_path / "log") as it:
        assert it.wait(FIVE_SECONDS) == 127
    assert "cannot start no-such-program: No such file or directory" in it.tail()


STACK = """
title = "T"
[prepare]
run = {prepare}
[process.web]
run = ["{{python}}", "-c", "{code}"]
ready = "/readyz"
roles = ["pages"]
"""


@pytest.mark.parametrize(
    ("prepare", "code", "message"),
    [
        ("[]", "print('no database'); raise SystemExit(9)", "process web ended by itself (exit code 9)"),
        ("[]", "import os; print('no database', flush=True); os.kill(os.getpid(), 9)", "killed by signal 9"),
        ("""[["{python}", "-c", "import sys; sys.exit('no database')"]]""", "pass", "prepare-1 failed (exit code 1)"),
    ],
)
def test_a_process_that_fails_at_start_shows_its_last_lines(tmp_path: Path, prepare: str, code: str, message: str):
    stack = variant(tmp_path / "mine", STACK.format(prepare=prepare, code=code))
    with pytest.raises(StackFailed) as failure, RunningStack(stack, place(tmp_path)):
        pytest.fail("it must not get ready")
    assert message in str(failure.value)
    assert "    no database" in str(failure.value)


def test_a_stack_that_is_ready_answers_deploys_and_leaves_nothing(tmp_path: Path):
    from bench.stacks import stack

    with RunningStack(stack.load(TOY), place(tmp_path)) as running:
        port = running.ports["web"]
        processes = [psutil.Process(pid) for pid in running.pids.values()]
        running.check()
        running.deploy("2")
        assert (tmp_path / "data" / "live").read_text() == "2"
    assert_gone(processes, port)


def test_a_process_that_dies_later_is_noticed(tmp_path: Path):
    from bench.stacks import stack

    with RunningStack(stack.load(TOY), place(tmp_path)) as running:
        psutil.Process(running.pids["web"]).kill()
        running.processes["web"].wait(FIVE_SECONDS)
        with pytest.raises(StackFailed, match=r"process web ended by itself \(killed by signal 9"):
            running.check()


def test_a_taken_port_is_said(tmp_path: Path):
    from bench.stacks import stack

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        where = Place(data=tmp_path, logs=tmp_path, photos=tmp_path, port=port)
        with pytest.raises(
            UsageProblem, match=rf"port {port} cannot be used \(Address already in use\); choose another"
        ):
            RunningStack(stack.load(TOY), where).__enter__()
