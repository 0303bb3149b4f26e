"""What a stack starts from and where it listens; that its processes end is for tests/e2e/test_guard.py."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from bench.exits import StackFailed
from bench.stacks import running, stack
from bench.stacks.running import HOST, RunningStack, ask, ending, free_port, free_ports
from tests.unit.bench.variants import TOY, place, variant

# Its prepare command counts how often it ran; its server shows that it finds the data, and spoils it.
COUNTING = """
title = "T"
[prepare]
run = [["{{python}}", "-c", "{count}", "{{data}}", "{log}"]]
[process.web]
run = ["{{python}}", "-c", "{serve}", "{{data}}", "{{port}}"]
ready = "/"
roles = ["pages"]
"""
COUNT = "import pathlib, sys; pathlib.Path(sys.argv[1], 'made').touch(); open(sys.argv[2], 'a').write('ran ')"
SERVE = (
    "import http.server, os, sys; os.chdir(sys.argv[1]); os.rename('made', 'used'); "
    "http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[2]), bind='127.0.0.1')"
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_data_is_prepared_once_and_everybody_starts_from_a_fresh_copy(tmp_path: Path):
    log, prepared = tmp_path / "log", tmp_path / "prepared"
    mine = variant(tmp_path / "mine", COUNTING.format(count=COUNT, serve=SERVE, log=log))
    for trial in ("1", "2"):
        data = tmp_path / trial
        with RunningStack(mine, replace(place(tmp_path), data=data, prepared=prepared)):
            assert names(data) == ["used"]
    assert log.read_text() == "ran "
    assert names(prepared) == ["made"]  # as the command left it, whatever the servers did


def test_without_a_place_for_it_data_is_prepared_every_time(tmp_path: Path):
    log = tmp_path / "log"
    mine = variant(tmp_path / "mine", COUNTING.format(count=COUNT, serve=SERVE, log=log))
    for trial in ("1", "2"):
        with RunningStack(mine, replace(place(tmp_path), data=tmp_path / trial)):
            pass
    assert log.read_text() == "ran ran "


def test_what_was_prepared_by_half_is_not_kept(tmp_path: Path):
    fails = COUNT + "; sys.exit(1)"
    mine = variant(tmp_path / "mine", COUNTING.format(count=fails, serve=SERVE, log=tmp_path / "log"))
    with pytest.raises(StackFailed, match="prepare-1 failed"):
        RunningStack(mine, replace(place(tmp_path), prepared=tmp_path / "prepared")).__enter__()
    assert not (tmp_path / "prepared").exists()


def test_a_running_stack_knows_its_address_and_its_processes(tmp_path: Path):
    with RunningStack(stack.load(TOY), place(tmp_path)) as toy:
        port = toy.ports["web"]
        assert toy.base_url == f"http://127.0.0.1:{port}"
        assert list(toy.pids) == ["web"]
        assert (ask(port, "/readyz"), ask(port, "/nowhere")) == ("200", "404")
        toy.check()
    assert ask(port, "/readyz") == "ConnectionRefusedError"


def test_a_process_that_never_gets_ready_is_said_with_what_it_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(running, "READY_DEADLINE_S", 1.0)
    text = (TOY / "stack.toml").read_text(encoding="utf-8").replace("{variant}", str(TOY))
    mine = variant(tmp_path / "mine", text.replace('"/readyz"', '"/never"'))
    with pytest.raises(StackFailed, match=r"mine: process web was not ready after 1 s \(GET /never: \w+\)"):
        RunningStack(mine, place(tmp_path)).__enter__()


def test_ports_are_free_and_all_different_and_a_wish_is_for_the_pages():
    toy = stack.load(TOY)
    model = replace(toy.pages, name="model", roles=frozenset({"model"}))
    both, wish = replace(toy, processes=(model, toy.pages)), free_port()
    ports = free_ports(both, wish)
    assert ports["web"] == wish != ports["model"]
    assert len({*free_ports(both).values()}) == 2
    for port in ports.values():
        socket.create_server((HOST, port)).close()


@pytest.mark.parametrize(("code", "words"), [(0, "exit code 0"), (3, "exit code 3"), (-9, "killed by signal 9")])
def test_an_ending_is_told_in_words(code: int, words: str):
    assert ending(code) == words
