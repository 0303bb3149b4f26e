"""A port that nobody else has, and who is awaited there, for real."""

import socket
import sys
from pathlib import Path

import pytest

from bench.exits import StackFailed
from bench.processes import ports
from bench.processes.guarded import Guarded, environment
from bench.processes.ports import HOST, ask, free_port, wait_until_ready
from tests.unit.bench.dripping import DRIPS, dripping

SERVE = "import http.server as h, sys; h.test(h.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind='127.0.0.1')"


def server(tmp_path: Path, port: int, script: str = SERVE) -> Guarded:
    argv = [sys.executable, "-c", script, str(port)]
    return Guarded("it", argv, env=environment(), log=tmp_path / "log")


def test_a_free_port_can_be_used_and_nobody_answers_there():
    port = free_port()
    assert ask(port, "/") == "ConnectionRefusedError"
    socket.create_server((HOST, port)).close()


def test_a_server_is_awaited_until_it_answers(tmp_path: Path):
    with server(tmp_path, port := free_port()) as it:
        wait_until_ready(it, port, "/", 30)
        assert (ask(port, "/"), ask(port, "/no-such-file")) == ("200", "404")
        with pytest.raises(StackFailed, match=r"it was not ready after 0 s \(GET /no-such-file: 404\)"):
            wait_until_ready(it, port, "/no-such-file", 0.1)


def test_one_that_ends_instead_is_noticed_at_once(tmp_path: Path):
    with (
        server(tmp_path, port := free_port(), "raise SystemExit(3)") as it,
        pytest.raises(StackFailed, match=r"it ended by itself \(exit code 3\)"),
    ):
        wait_until_ready(it, port, "/", 600)


@pytest.mark.parametrize("drip", DRIPS)
def test_one_that_drips_is_asked_no_longer_than_one_that_is_silent(monkeypatch: pytest.MonkeyPatch, drip: bytes):
    monkeypatch.setattr(ports, "ASK_S", 0.3)
    with dripping(drip) as port:
        assert ask(port, "/") in {"TimeoutError", "200"}  # the latter: nobody waits for its body
