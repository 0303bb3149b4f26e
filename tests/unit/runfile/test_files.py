"""What people name is read only where it is a file with an end."""

import os
from pathlib import Path

import pytest

from runfile.files import content


def test_a_file_is_read_up_to_its_bound(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"12345")
    assert content(tmp_path / "file", 5) == b"12345"
    with pytest.raises(OSError, match="it holds more than 4 bytes"):
        content(tmp_path / "file", 4)


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null", "pipe", "link"])
def test_a_pipe_and_a_device_are_none(tmp_path: Path, name: str):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    with pytest.raises(OSError, match="it is a pipe, a socket or a device, and no file"):
        content(tmp_path / name)


def test_what_is_not_there_and_a_folder_are_told_by_the_system(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        content(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        content(tmp_path)
