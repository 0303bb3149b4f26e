import pytest

from vision.errors import ModelError, UnreadableImage
from vision.photos import read_photos


@pytest.fixture
def folder(tmp_path, cat, encode):
    (tmp_path / "cat.jpg").write_bytes(encode(cat, "JPEG"))
    (tmp_path / "CAT.PNG").write_bytes(encode(cat))
    (tmp_path / "notes.txt").write_text("not a photo")
    return tmp_path


def test_reads_what_is_a_photo_by_name(folder):
    assert read_photos(folder) == [(folder / name).read_bytes() for name in ("CAT.PNG", "cat.jpg")]


def test_a_folder_without_photos_is_an_error(tmp_path):
    with pytest.raises(ModelError, match="no photos in"):
        read_photos(tmp_path)


def test_a_damaged_photo_is_named(folder):
    (folder / "broken.webp").write_bytes(b"nothing")

    with pytest.raises(UnreadableImage, match=r"broken\.webp: not an image"):
        read_photos(folder)
