"""The command line as a user types it: what cannot work is one line, what is told to end ends, and nothing is left.

Crashes, hangs and restarts under load: tests/e2e/test_inference_server.py.
"""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import psutil
import pytest
from click.testing import CliRunner

from model_as_service.server.__main__ import command
from model_as_service.server.limits import STRAY
from tests.conftest import ROOT
from tests.processes import free_port, wait_for


@contextmanager
def server(models: Path, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-m", "model_as_service.server", "--models", models, "--model", "no-op", *arguments]
    process = subprocess.Popen([*map(str, argv)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    with process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    """Return its exit code and what it said; all of its children have ended, too, since they share its stderr."""
    _, words = process.communicate(timeout=60)
    return process.returncode, words.splitlines()


def get(port: int, path: str) -> Any:
    return urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10)


def test_a_port_that_is_taken_is_one_line(models: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with server(models, "--port", port) as process:
            code, [line] = ended(process)
    assert code == 1
    assert line.startswith(f"inference server: 127.0.0.1:{port} cannot be used (Address already in use)")


def test_of_two_that_begin_at_once_on_a_port_the_later_one_ends_with_one_line(models: Path) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        with server(models, "--port", other.getsockname()[1]) as process:
            wait_for(lambda: psutil.Process(process.pid).children()[0], (IndexError,), process)
            other.listen()
            code, [line] = ended(process)
    assert code == 1
    assert line.startswith("inference server: ")
    assert "already in use" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "nothing"], "no model 'nothing'"),
        (["--live", "nowhere"], "cannot read the live version"),
    ],
)
def test_a_model_that_cannot_be_had_is_one_line(models: Path, arguments: list[str], words: str) -> None:
    port = free_port()
    with server(models, "--port", port, *arguments) as process:
        code, [line] = ended(process)
    assert code == 1
    assert line.startswith("inference server: ")
    assert words in line
    with pytest.raises(urllib.error.URLError):
        get(port, "/v2/health/live")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_told_to_end_ends_well_and_leaves_nothing(models: Path, number: signal.Signals) -> None:
    port = free_port()
    with server(models, "--port", port) as process:
        wait_for(lambda: get(port, "/v2/health/ready").close(), (urllib.error.URLError,), process)  # type: ignore[arg-type]
        [child] = psutil.Process(process.pid).children()
        process.send_signal(number)
        assert ended(process) == (0, [])
        assert not child.is_running()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--batch-sizes", "0,2"], "must be whole numbers from 1"),
        (["--batch-sizes", "a"], "must be whole numbers from 1"),
        (["--port", "70000"], "--port"),
        (["--deadline-ms", "0"], "--deadline-ms"),
        (["--device", "tpu"], "--device"),
        (["--queue", "0"], "--queue"),
        (["--body-budget-mb", "0"], "--body-budget-mb"),
        (["--ready-within", "0"], "--ready-within"),
        (["--ready-within", "inf"], "--ready-within"),
        (["--deadline-ms", "nan"], "--deadline-ms"),
        (["--drain-grace", "inf"], "--drain-grace"),
        (["--drain-grace", "nan"], "--drain-grace"),
        (["--threads", "99999999999999"], "--threads"),
        (["--queue", "9" * 400], "--queue"),
        (["--body-budget-mb", "9" * 5000], "--body-budget-mb"),
        (["--batch-sizes", "9" * 5000], "must be whole numbers from 1 to 9999"),
        (["--host", ""], "it is empty"),
        (["--host", "a" * 300], "no host can be called"),
        (["--host", os.fsdecode(b"\xff")], "no host can be called"),
    ],
)
def test_usage(arguments: list[str], words: str) -> None:
    said = CliRunner().invoke(command, arguments)
    assert (said.exit_code, words in said.output) == (2, True), said.output


def test_a_host_that_is_not_ours_is_one_line(models: Path) -> None:
    with server(models, "--port", free_port(), "--host", "no host") as process:
        code, [line] = ended(process)
    assert code == 1
    assert "cannot be used (" in line


def test_it_serves_where_its_streams_are_closed(models: Path) -> None:
    """None of its sockets takes their place: what libraries print would go there."""
    port = free_port()
    argv = [sys.executable, "-m", "model_as_service.server", "--models", models, "--model", "no-op", "--port", port]
    closing = ["/bin/sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', *map(str, argv)]
    with subprocess.Popen(closing, cwd=ROOT) as keeper:
        try:
            wait_for(lambda: get(port, "/v2/health/ready").close(), (urllib.error.URLError,), keeper)  # type: ignore[arg-type]
            for process in (psutil.Process(keeper.pid), *psutil.Process(keeper.pid).children()):
                assert not {connection.fd for connection in process.net_connections("all")} & {0, 1, 2}
        finally:
            keeper.terminate()
            keeper.wait(60)


@pytest.mark.parametrize("number", STRAY)
def test_signals_that_mean_nothing_here_end_nothing(models: Path, number: signal.Signals) -> None:
    port = free_port()
    with server(models, "--port", port) as process:
        wait_for(lambda: get(port, "/v2/health/ready").close(), (urllib.error.URLError,), process)  # type: ignore[arg-type]
        [child] = psutil.Process(process.pid).children()
        process.send_signal(number)
        get(port, "/v2/health/live").close()
        if number not in {signal.SIGUSR1, signal.SIGUSR2}:  # which retire and replace it
            child.send_signal(number)
            get(port, "/v2/health/live").close()
            assert psutil.Process(process.pid).children() == [child]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


# --- children that do what they are told, in place of serving processes ---

CHILD = """#!{python}
import os, pathlib, select, signal, socket, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
folder, (_, lifeline) = pathlib.Path(sys.argv[3]), sys.argv[5].split(",")
line = socket.socket(fileno=int(lifeline))
hangs = (folder / "hangs").exists()
if not hangs:
    line.send(b"r")
(folder / f"pid-{{len([*folder.glob('pid-*')])}}").write_text(str(os.getpid()))
while not select.select([line], [], [], 0.1)[0]:
    hangs or line.send(b".")
"""
KEEPER = """
import errno, os, pathlib, subprocess, sys
from model_as_service.server import keeper

class Popen(subprocess.Popen):
    def __init__(self, *arguments, **named):
        if (folder / "full").exists():
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        super().__init__(*arguments, **named)

folder = pathlib.Path(sys.argv[1])
subprocess.Popen, sys.executable = Popen, str(folder / "child")
with keeper.Keeper([sys.argv[1]], "127.0.0.1", 0, ready_s=1.0) as kept:
    sys.exit(kept.run())
"""


class Kept:
    """A keeper of such children. Context manager; `hangs` and `full` are files in `folder`: what begins to happen."""

    def __init__(self, folder: Path, log: Path | None = None) -> None:
        self.folder, self.log = folder, log or folder / "log"
        child = folder / "child"
        child.write_text(CHILD.format(python=sys.executable))
        child.chmod(0o755)

    def __enter__(self) -> Self:
        with self.log.open("w") as log:
            self.process = subprocess.Popen([sys.executable, "-c", KEEPER, str(self.folder)], cwd=ROOT, stderr=log)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for number in range(len([*self.folder.glob("pid-*")])):
            with suppress(ProcessLookupError):
                os.kill(self.pid(number), signal.SIGKILL)

    def tell(self, what: str, *, holds: bool) -> None:
        (self.folder / what).touch() if holds else (self.folder / what).unlink()

    def pid(self, number: int) -> int:
        return int((self.folder / f"pid-{number}").read_text())

    def comes(self, number: int) -> int:
        """Wait for the child of that number."""
        return wait_for(lambda: self.pid(number), (FileNotFoundError, ValueError), self.process)

    def said(self, words: str) -> None:
        def probe() -> None:
            assert words in self.log.read_text()

        wait_for(probe)


def goes(pid: int) -> None:
    def probe() -> None:
        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie"

    wait_for(probe)


def test_a_successor_that_does_not_get_ready_is_ended_and_another_may_be_asked_for(tmp_path: Path) -> None:
    with Kept(tmp_path) as kept:
        first = kept.comes(0)
        kept.tell("hangs", holds=True)
        kept.process.send_signal(signal.SIGUSR2)
        goes(kept.comes(1))
        kept.said("the new serving process was not ready within 1 s; it is ended")
        assert psutil.pid_exists(first)
        kept.tell("hangs", holds=False)
        kept.process.send_signal(signal.SIGUSR2)
        kept.comes(2)
        goes(first)


def test_whoever_replaces_a_crashed_process_and_does_not_get_ready_is_replaced(tmp_path: Path) -> None:
    with Kept(tmp_path) as kept:
        first = kept.comes(0)
        kept.process.send_signal(signal.SIGUSR2)
        second = kept.comes(1)
        goes(first)  # so the second has been ready
        kept.tell("hangs", holds=True)
        os.kill(second, signal.SIGKILL)
        goes(kept.comes(2))
        kept.said("the serving process was not ready within 1 s; it is ended")
        kept.tell("hangs", holds=False)
        kept.comes(3)


def test_a_first_process_that_does_not_get_ready_is_the_end(tmp_path: Path) -> None:
    with Kept(tmp_path) as kept:
        kept.tell("hangs", holds=True)
        assert kept.process.wait(30) == 128 + signal.SIGKILL
        kept.said("the serving process was not ready within 1 s; it is ended")


def test_a_process_that_cannot_be_started_now_is_started_later(tmp_path: Path) -> None:
    words = "no serving process can be started now (Resource temporarily unavailable); trying again"
    (tmp_path / "full").touch()
    with Kept(tmp_path) as kept:
        kept.said(words)
        kept.tell("full", holds=False)
        first = kept.comes(0)
        kept.tell("full", holds=True)
        kept.log.write_text("")
        kept.process.send_signal(signal.SIGUSR2)
        kept.said(words)
        assert psutil.pid_exists(first), "the old one goes on"
        kept.tell("full", holds=False)
        second = kept.comes(1)
        goes(first)
        kept.tell("full", holds=True)
        kept.log.write_text("")
        os.kill(second, signal.SIGKILL)
        kept.said(words)
        kept.tell("full", holds=False)
        kept.comes(2)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_log_on_a_full_disk_ends_nothing(tmp_path: Path) -> None:
    with Kept(tmp_path, Path("/dev/full")) as kept:
        first = kept.comes(0)
        kept.process.send_signal(signal.SIGUSR2)
        second = kept.comes(1)
        goes(first)
        os.kill(second, signal.SIGKILL)  # which is said, in vain
        kept.comes(2)
        assert kept.process.poll() is None
