"""Temporary folders of killed owners are swept, those of living ones never."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
