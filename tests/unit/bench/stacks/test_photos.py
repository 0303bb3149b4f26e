"""A folder of photos as users have them: what is no file is told, and a folder without files is refused with a hint."""

import os
import re
from pathlib import Path

import pytest

from bench.exits import UsageProblem
from bench.stacks import photos


def test_what_is_no_file_is_told_with_the_reason(tmp_path: Path):
    for name in ("photo.jpg", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "to-photo").symlink_to("photo.jpg")
    (tmp_path / "nowhere").symlink_to("gone.jpg")
    (tmp_path / ".nowhere").symlink_to("gone.jpg")
    (tmp_path / "zero").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pi\x1bpe")
    assert [path.name for path in photos.files_in(tmp_path)] == ["photo.jpg", "to-photo"]
    assert photos.no_files(tmp_path) == [
        "'nowhere': It is a link that leads nowhere.",
        r"'pi\x1bpe': It is a pipe, a socket or a device.",
        "'zero': It is a pipe, a socket or a device.",
    ]
    photos.check(tmp_path)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: None, ": make them with `make setup`"),
        (lambda folder: (folder / "2026").mkdir(), ": its subfolders are not searched; make them with"),
        (lambda folder: os.mkfifo(folder / "pipe"), ": make them"),
        (lambda folder: (folder / ".hidden").touch(), ": make them"),
        (lambda folder: folder.rmdir(), ": it is no folder; make them"),
    ],
)
def test_a_folder_without_files_is_refused(tmp_path: Path, make, words: str):  # type: ignore[no-untyped-def]
    folder = tmp_path / "photos"
    folder.mkdir()
    make(folder)
    with pytest.raises(UsageProblem, match=re.escape(f"no photos in {folder}{words}")):
        photos.check(folder)
