"""The command line as a user types it: what cannot work is one line, what is told to end ends, and nothing is left.

Crashes, hangs and restarts under load: tests/e2e/test_inference_server.py.
"""

import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner

from model_as_service.server.__main__ import command
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
    ],
)
def test_usage(arguments: list[str], words: str) -> None:
    said = CliRunner().invoke(command, arguments)
    assert (said.exit_code, words in said.output) == (2, True), said.output
