import pytest

from vision.errors import ModelError
from vision.files import installed_file, write_atomically


def test_a_missing_package_is_named_with_its_remedy():
    with pytest.raises(ModelError, match="pip install no-such-package"):
        installed_file("no-such-package", "file")


def test_replaces_the_content_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old and longer")

    write_atomically(path, b"new")

    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_content_and_cleans_up(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(self, target):
        raise OSError("disk on fire")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(OSError, match="disk on fire"):
        write_atomically(path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
