"""Environments for real, but empty ones: making them asks nobody on the network."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.exits import StackFailed
from bench.peers import environment
from tests.unit.bench.peers.peers import toy

EMPTY = "# nothing\n"
UNPINNED = "nothing-of-this-name\n"  # refused for want of a hash, before anybody is asked


def test_without_a_lock_a_peer_runs_in_our_own_environment(tmp_path: Path):
    ours = toy(tmp_path / "ours")
    environment.install(ours, tmp_path / "home")
    assert environment.ready(ours, tmp_path / "home")
    assert environment.python_of(ours, tmp_path / "home") == Path(sys.executable)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_an_environment_is_made_once_and_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str):
    if tool == "pip":
        monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    home, theirs = tmp_path / "home", toy(tmp_path / "theirs", lock=EMPTY)
    assert not environment.ready(theirs, home)
    environment.install(theirs, home)
    assert environment.ready(theirs, home)
    script = "import sys; print(sys.prefix)"
    python = environment.python_of(theirs, home)
    prefix = subprocess.run([python, "-c", script], check=True, capture_output=True, text=True).stdout.strip()
    assert Path(prefix) == home / "theirs"


def test_an_environment_of_another_lock_is_not_ready_and_is_made_anew(tmp_path: Path):
    home, theirs = tmp_path / "home", toy(tmp_path / "theirs", lock=EMPTY)
    environment.install(theirs, home)
    (home / "theirs" / "of the old").touch()
    (theirs.folder / "requirements.txt").write_text(EMPTY * 2)
    assert not environment.ready(theirs, home)
    environment.install(theirs, home)
    assert environment.ready(theirs, home)
    assert not (home / "theirs" / "of the old").exists()


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_what_cannot_be_installed_is_said_and_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str):
    if tool == "pip":
        monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    home, theirs = tmp_path / "home", toy(tmp_path / "theirs", lock=UNPINNED)
    with pytest.raises(
        StackFailed, match=r"(?s)environment of Toy .* could not be made.*--peers.*nothing-of-this-name"
    ):
        environment.install(theirs, home)
    assert not environment.ready(theirs, home)


def test_an_installer_that_does_not_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(environment, "DEADLINE_S", 0.001)
    with pytest.raises(StackFailed, match="timed out"):
        environment.install(toy(tmp_path / "theirs", lock=EMPTY), tmp_path / "home")
