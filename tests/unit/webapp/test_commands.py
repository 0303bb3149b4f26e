"""`python -m webapp seed`, called in this process: what is left out is told, what goes wrong is one line."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from webapp.photos import PhotoStore
from webapp.settings import Settings


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWEETSPOT_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("SWEETSPOT_DATABASE_URL", raising=False)
    return tmp_path / "data"


def seed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr("sys.argv", ["webapp", "seed", "--photos", str(folder)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("webapp", run_name="__main__")
    return ended.value.code


def titles() -> set[str]:
    store = PhotoStore.open(Settings.from_env())
    found = {record.title for record in store.after(0, 100)}
    store.close()
    return found


def test_names_that_are_not_utf8_are_photos_like_others(
    tmp_path: Path, catalogue: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in (b"caf\xe9-1.jpg", b"\xff\xfe.jpg", b"a?b {c}-1.jpg"):
        shutil.copy(catalogue / "coffee-1.jpg", os.fsencode(folder) + b"/" + name)
    assert seed(folder, monkeypatch) in (0, None)
    assert "3 photos added" in capsys.readouterr().out
    assert titles() == {"Caf", "Untitled", "A?b {c}"}


def test_what_is_left_out_is_told_with_its_name_on_one_line_each(
    tmp_path: Path, catalogue: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    shutil.copy(catalogue / "coffee-1.jpg", folder)
    for name in ("notes.txt", "two\nlines.jpg", "\x1b[31mred.jpg", "\udcff.jpg"):
        (folder / name).write_text("no photo")
    (folder / "empty.png").touch()
    assert seed(folder, monkeypatch) in (0, None)
    told = capsys.readouterr().err.splitlines()
    assert sorted(line.partition(": ")[2].partition(": ")[0] for line in told) == sorted(
        map(repr, ("notes.txt", "two\nlines.jpg", "\x1b[31mred.jpg", "\udcff.jpg", "empty.png"))
    )
    assert all(line.startswith("left out: ") and line.isprintable() for line in told)


def test_a_database_that_cannot_be_opened_is_one_line(
    data: Path, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "sweetspot.db").mkdir(parents=True)
    assert seed(catalogue, monkeypatch) == "webapp: unable to open database file"


def test_a_full_disk_under_its_output_stops_no_seeding(
    tmp_path: Path, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(10):
        shutil.copy(catalogue / "coffee-1.jpg", folder / f"cup-{number}.jpg")
        (folder / f"notes-{number}.txt").write_text("no photo")
    monkeypatch.setenv("SWEETSPOT_DATA", str(tmp_path / "data"))
    argv = [sys.executable, "-m", "webapp", "seed", "--photos", str(folder)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(argv, stdout=full, stderr=full, check=False)
    assert done.returncode == 0
    store = PhotoStore.open(Settings.from_env())
    assert len(store.after(0, 100)) == 10
    store.close()
