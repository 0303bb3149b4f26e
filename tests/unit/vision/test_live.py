import os
import tracemalloc

import pytest

from vision.errors import ModelError
from vision.live import read_live, write_live


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "live"

    write_live(path, "1")
    write_live(path, "2")

    assert read_live(path) == "2"
    assert path.read_text() == "2\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(ModelError, match=r"run `python -m vision live 1 --file .*live`"):
        read_live(tmp_path / "live")


@pytest.mark.parametrize("content", [b"", b"3\n", b"1 2\n", b"\xff"])
def test_anything_but_a_version_is_refused(tmp_path, content):
    path = tmp_path / "live"
    path.write_bytes(content)

    with pytest.raises(ModelError, match="live"):
        read_live(path)


def test_a_version_that_is_none_is_not_written(tmp_path):
    with pytest.raises(ModelError, match="no model version '3': there are 1, 2"):
        write_live(tmp_path / "live", "3")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"x" * 10_000_000, b"1\n" + b"2" * 10_000_000, "é".encode() * 5_000_000])
def test_of_a_file_that_is_anything_but_short_a_line_is_read_and_shown(tmp_path, content):
    path = tmp_path / "live"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(ModelError) as caught:
            read_live(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1_000_000
    assert len(str(caught.value)) < len(str(path)) + 250
    assert "…': there are" in str(caught.value)


@pytest.mark.parametrize("written", [False, True])
def test_a_pipe_is_not_waited_for(tmp_path, written):
    path = tmp_path / "live"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR) if written else None
    try:
        with pytest.raises(ModelError, match="no model version ''"):
            read_live(path)
    finally:
        if writer is not None:
            os.close(writer)
