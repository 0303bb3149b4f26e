"""What a stack starts from and where it listens; that its processes end is for tests/e2e/test_guard.py."""

import socket
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bench.exits import StackFailed, UsageProblem
from bench.processes.ports import HOST, ask, free_port
from bench.stacks import running, stack
from bench.stacks.photos import photos_left_out
from bench.stacks.running import RunningStack, free_ports, left_out
from tests.processes import wait_for
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


def gone(toy: RunningStack, name: str) -> None:
    """Kill a process of a stack and wait until its guard has told."""
    psutil.Process(toy.pids[name]).kill()
    assert toy.processes[name].wait(30) == -9


def test_a_process_that_is_expected_to_end_may_end_and_is_started_again_where_it_was(tmp_path: Path):
    with RunningStack(stack.load(TOY), place(tmp_path)) as toy:
        before, port = dict(toy.pids), toy.ports["web"]
        toy.expect_end("web")
        gone(toy, "web")
        toy.check()
        toy.restart("web")
        assert (ask(port, "/readyz"), toy.ports["web"]) == ("200", port)
        assert toy.pids != before
        gone(toy, "web")
        with pytest.raises(StackFailed, match="process web ended by itself"):
            toy.check()


def test_a_process_that_still_runs_is_ended_before_it_is_started_again(tmp_path: Path):
    with RunningStack(stack.load(TOY), place(tmp_path)) as toy:
        before = psutil.Process(toy.pids["web"])
        toy.restart("web")
        assert not before.is_running()
        toy.check()


def test_a_process_that_does_not_get_ready_again_is_told(tmp_path: Path):
    once = "import os, pathlib, sys; pathlib.Path(sys.argv[1], 'used').exists() and sys.exit('used up'); " + SERVE
    mine = variant(tmp_path / "mine", COUNTING.format(count=COUNT, serve=once, log=tmp_path / "log"))
    with (
        RunningStack(mine, place(tmp_path)) as toy,
        pytest.raises(StackFailed, match=r"(?s)mine: process web ended by itself \(exit code 1\).*used up"),
    ):
        toy.restart("web")


REFRESHING = """
title = "T"
[process.web]
run = ["{python}", "-m", "http.server", "{port}", "--bind", "127.0.0.1"]
ready = "/"
roles = ["pages", "refresh"]
[process.batch]
run = ["{python}", "-c", "import signal; signal.pause()"]
roles = ["model", "refresh"]
[process.other]
run = ["{python}", "-c", "import signal; signal.pause()"]
roles = ["model"]
"""


def test_who_has_a_role_rests_while_others_have_their_turn_but_not_who_answers_users(tmp_path: Path):
    def resting() -> set[str]:
        return {name for name, pid in toy.pids.items() if psutil.Process(pid).status() == psutil.STATUS_STOPPED}

    def until(expected: set[str]) -> None:
        def probe() -> None:
            assert resting() == expected

        wait_for(probe)

    with RunningStack(variant(tmp_path / "mine", REFRESHING), place(tmp_path)) as toy:
        toy.rest("refresh")
        until({"batch"})
        toy.check()
        toy.rest("model")
        until({"batch", "other"})
        toy.wake("refresh")
        until({"other"})
        toy.wake("pages")
        until({"other"})
        toy.rest()
        until({"web", "batch", "other"})
        toy.wake()
        until(set())


# What the product's own command says of each file: lines in its log, and failure where none is left.
LEAVING_OUT = """
title = "T"
[prepare]
run = [["{{python}}", "-c", "{script}", "{{photos}}"]]
[process.web]
run = ["{{python}}", "-m", "http.server", "{{port}}", "--bind", "127.0.0.1"]
ready = "/"
roles = ["pages"]
"""
ALL_OF_THEM = (
    "import os, sys; files = [each for each in os.listdir(sys.argv[1]) if os.path.isfile(sys.argv[1] + '/' + each)]; "
    "print(*('left out: ' + repr(each) + ': no photo' for each in files), sep=chr(10)); sys.exit('none is left')"
)


def folder_of(tmp_path: Path, *names: str) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    return folder


def test_a_folder_in_which_no_photo_can_be_read_is_wrong_usage(tmp_path: Path):
    mine = variant(tmp_path / "mine", LEAVING_OUT.format(script=ALL_OF_THEM))
    where = replace(place(tmp_path), photos=folder_of(tmp_path, "a.txt", "b.txt"))
    with pytest.raises(
        UsageProblem, match=r"(?s)no photo in .*photos can be used.*photos left out: 2.*'a.txt': no photo"
    ):
        RunningStack(mine, where).__enter__()


def test_a_command_that_fails_although_there_are_photos_is_a_failure_of_the_stack(tmp_path: Path):
    mine = variant(tmp_path / "mine", LEAVING_OUT.format(script="import sys; sys.exit('left out: x')"))
    where = replace(place(tmp_path), photos=folder_of(tmp_path, "a.jpg", "b.jpg"))
    with pytest.raises(StackFailed, match="prepare-1 failed"):
        RunningStack(mine, where).__enter__()


def test_what_is_no_file_is_told_with_what_the_command_left_out(tmp_path: Path):
    mine = variant(tmp_path / "mine", LEAVING_OUT.format(script="print('left out: a.jpg')"))
    where = replace(place(tmp_path), photos=folder_of(tmp_path, "a.jpg", "b.jpg"))
    (where.photos / "gone.jpg").symlink_to("nowhere")
    with RunningStack(mine, where) as it:
        assert it.left_out == ["a.jpg", "'gone.jpg': It is a link that leads nowhere."]


def test_photos_left_out_are_counted_however_many_there_are(tmp_path: Path):
    """Far more than a mebibyte of them, among other lines, one of them without an end for long."""
    lines = [f"left out: {number:05d}: {'x' * 200}" for number in range(8000)]
    (tmp_path / "log").write_text("x" * 3_000_000 + "\n" + "\nsomething else\n".join(lines) + "\n", encoding="utf-8")
    found = left_out(tmp_path / "log")
    assert [each[:5] for each in found] == [f"{number:05d}" for number in range(8000)]
    assert photos_left_out(found)[0] == "photos left out: 8000"
