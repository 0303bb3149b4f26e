"""Temporary folders of killed owners are swept, those of living ones never."""

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.processes import scratch
from bench.processes.guarded import ROOT

OWNER = """
import sys
from bench.processes import scratch
with scratch.folder("toy") as folder:
    (folder / "data").mkdir()
    (folder / "data" / "file").write_text("much")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@contextmanager
def owner(temporary: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    command, env = [sys.executable, "-c", OWNER], {"TMPDIR": str(temporary)}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as made:
        try:
            assert made.stdout is not None
            yield made, Path(made.stdout.readline().strip())
        finally:
            made.kill()


def test_a_folder_goes_with_its_owner(temporary: Path):
    with scratch.folder("toy") as folder:
        assert folder.parent == temporary
        (folder / "data").write_text("x")
    assert list(temporary.iterdir()) == []


def test_what_a_killed_owner_leaves_is_swept_at_the_next_start_and_nothing_else(temporary: Path):
    others = [temporary / "sweetspot-mine", temporary / "other"]
    for each in others:
        each.mkdir()
        (each / "file").touch()
    with owner(temporary) as (dead, left), owner(temporary) as (_, alive):
        dead.kill()
        dead.wait()
        assert (left / "data" / "file").exists()
        with scratch.folder("toy") as mine:
            assert set(temporary.iterdir()) == {alive, mine, *others}
            assert (alive / "data" / "file").exists()


def test_no_link_leads_the_sweeping_elsewhere(temporary: Path, tmp_path_factory: pytest.TempPathFactory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / scratch.LOCK).touch()
    (temporary / "sweetspot-link").symlink_to(elsewhere)
    with scratch.folder("toy"):
        assert (elsewhere / scratch.LOCK).exists()


def test_what_is_swept_before_it_is_held_is_made_again(temporary: Path, monkeypatch: pytest.MonkeyPatch):
    """Another run sweeps in the moment between the making of a lock and its holding."""
    real, swept = fcntl.flock, []

    def flock(lock: Any, how: int) -> None:
        if not swept:
            swept.append(lock)
            scratch.sweep(temporary, "*")
        real(lock, how)

    monkeypatch.setattr(scratch.fcntl, "flock", flock)
    with scratch.hold(temporary / "work"):
        assert swept
        scratch.sweep(temporary, "*")
        assert (temporary / "work" / scratch.LOCK).exists()


def test_who_sweeps_late_spares_the_folder_that_has_come_in_place(temporary: Path, monkeypatch: pytest.MonkeyPatch):
    """Two sweep the same folder, and a third makes it anew between them."""
    scratch.hold(temporary / "work").close()
    real, held = fcntl.flock, []

    def flock(lock: Any, how: int) -> None:
        if not held:
            held.append(None)
            scratch.sweep(temporary, "*")
            held.append(scratch.hold(temporary / "work"))
        real(lock, how)

    monkeypatch.setattr(scratch.fcntl, "flock", flock)
    scratch.sweep(temporary, "*")
    assert (temporary / "work" / scratch.LOCK).exists()
    held[1].close()
