import pytest

from vision import limit
from vision.errors import ModelError, UnreadableImage
from vision.preprocess import preprocess


@pytest.fixture
def folder(tmp_path, cat, encode):
    (tmp_path / "cat.jpg").write_bytes(encode(cat, "JPEG"))
    (tmp_path / "CAT.PNG").write_bytes(encode(cat))
    (tmp_path / "notes.txt").write_text("not a photo")
    return tmp_path


def test_measures_each_photo(models, folder):
    measured = limit.measure_limit(models, "1", folder, seconds=0.1)

    assert (measured.provider, measured.version) == ("CPUExecutionProvider", "1")
    assert measured.images == len(measured.samples_ns) == len(measured.decode_ns) == len(measured.infer_ns) > 0
    assert all(
        total == decode + infer
        for total, decode, infer in zip(measured.samples_ns, measured.decode_ns, measured.infer_ns, strict=True)
    )
    assert all(sample > 1_000_000 for sample in measured.samples_ns), "no photo is scored in a millisecond"


def test_takes_the_photos_in_turn_after_a_warm_up(models, folder, monkeypatch):
    seen = []

    def remember(photo, size):
        seen.append(photo[:2])
        return preprocess(photo, size)

    monkeypatch.setattr(limit, "preprocess", remember)
    measured = limit.measure_limit(models, "1", folder, seconds=0.05)

    png, jpeg = b"\x89P", b"\xff\xd8"
    checked, scored = 2, limit.WARM_UP + measured.images
    assert len(seen) == checked + scored
    assert seen[checked : checked + 4] == [png, jpeg, png, jpeg]


def test_a_pace_is_kept(models, folder):
    assert 5 <= limit.measure_limit(models, "1", folder, seconds=1.0, rate=10).images <= 11


def test_a_folder_without_photos_is_an_error(models, tmp_path):
    with pytest.raises(ModelError, match="no photos in"):
        limit.measure_limit(models, "1", tmp_path, seconds=1)


def test_a_damaged_photo_is_named(models, folder):
    (folder / "broken.webp").write_bytes(b"nothing")

    with pytest.raises(UnreadableImage, match=r"broken\.webp: not an image"):
        limit.measure_limit(models, "1", folder, seconds=1)
