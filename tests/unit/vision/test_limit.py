import pytest

from vision import limit
from vision.artifact import load_artifact
from vision.preprocess import preprocess


@pytest.fixture
def artifact(models):
    return load_artifact(models, "1")


@pytest.fixture
def encoded(cat, encode):
    return [encode(cat), encode(cat, "JPEG")]


def test_measures_each_photo(artifact, encoded):
    measured = limit.BareLoop(artifact, encoded).turn(0.1)

    assert (measured.provider, measured.version) == ("CPUExecutionProvider", "1")
    assert measured.images == len(measured.samples_ns) == len(measured.decode_ns) == len(measured.infer_ns) > 0
    assert all(
        total == decode + infer
        for total, decode, infer in zip(measured.samples_ns, measured.decode_ns, measured.infer_ns, strict=True)
    )
    assert all(sample > 1_000_000 for sample in measured.samples_ns), "no photo is scored in a millisecond"


@pytest.fixture
def seen(monkeypatch):
    """The beginning of every photo that is looked at."""
    photos = []

    def remember(photo, size):
        photos.append(photo[:2])
        return preprocess(photo, size)

    monkeypatch.setattr(limit, "preprocess", remember)
    return photos


def test_takes_the_photos_in_turn_after_a_warm_up(artifact, encoded, seen):
    measured = limit.BareLoop(artifact, encoded).turn(0.05)

    png, jpeg = b"\x89P", b"\xff\xd8"
    assert len(seen) == limit.WARM_UP + measured.images
    assert seen[:4] == [png, jpeg, png, jpeg]


def test_a_turn_goes_on_with_the_photo_at_which_the_last_one_stopped(artifact, encoded, seen):
    loop = limit.BareLoop(artifact, encoded)
    seen.clear()
    turns = []
    while len(seen) < 5:
        turns.append(loop.turn(0.001).images)
    assert max(turns) == 1, "no photo is scored in a millisecond"
    assert seen == [encoded[number % 2][:2] for number in range(5)]


def test_a_pace_is_kept(artifact, encoded):
    assert 5 <= limit.BareLoop(artifact, encoded).turn(1.0, rate=10).images <= 11
