import pytest

from vision import image_path
from vision.image_path import measure_image_path


@pytest.fixture
def encoded(cat, encode):
    return [encode(cat, "JPEG"), encode(cat.rotate(180), "JPEG"), encode(cat)]


def test_measures_in_pairs(classifier, encoded):
    measured = measure_image_path(classifier, encoded, seconds=0.1)

    assert len(measured.reference_ns) == len(measured.ours_ns) > 0
    assert min(measured.reference_ns + measured.ours_ns) > 0
    assert (measured.photos, measured.same) == (3, 3)


def test_each_photo_meets_both_orders(classifier, encoded, monkeypatch):
    calls = []

    def remember(path, photo, size):
        calls.append((path.__name__, photo))
        return 1

    # A clock that ticks once a look: the first starts it, then one look ahead of each pair.
    ticks = iter(range(100))
    monkeypatch.setattr(image_path, "perf_counter_ns", lambda: next(ticks))
    monkeypatch.setattr(image_path, "_time", remember)

    measure_image_path(classifier, encoded, seconds=7e-9)

    firsts, seconds = calls[::2], calls[1::2]
    assert [photo for _, photo in firsts] == [photo for _, photo in seconds] == encoded * 2
    assert all(
        {first[0], second[0]} == {"_reference", "preprocess"} for first, second in zip(firsts, seconds, strict=True)
    )
    assert all(firsts[number][0] != firsts[number + 3][0] for number in range(3))


def test_a_path_that_answers_otherwise_is_counted(classifier, encoded, monkeypatch):
    monkeypatch.setattr(image_path, "preprocess", lambda photo, size: image_path.reference.preprocess(photo, size) // 8)

    assert measure_image_path(classifier, encoded, seconds=0.01).same < 3
