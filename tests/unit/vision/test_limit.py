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
    measured = limit.measure_limit(artifact, encoded, seconds=0.1)

    assert (measured.provider, measured.version) == ("CPUExecutionProvider", "1")
    assert measured.images == len(measured.samples_ns) == len(measured.decode_ns) == len(measured.infer_ns) > 0
    assert all(
        total == decode + infer
        for total, decode, infer in zip(measured.samples_ns, measured.decode_ns, measured.infer_ns, strict=True)
    )
    assert all(sample > 1_000_000 for sample in measured.samples_ns), "no photo is scored in a millisecond"


def test_takes_the_photos_in_turn_after_a_warm_up(artifact, encoded, monkeypatch):
    seen = []

    def remember(photo, size):
        seen.append(photo[:2])
        return preprocess(photo, size)

    monkeypatch.setattr(limit, "preprocess", remember)
    measured = limit.measure_limit(artifact, encoded, seconds=0.05)

    png, jpeg = b"\x89P", b"\xff\xd8"
    assert len(seen) == limit.WARM_UP + measured.images
    assert seen[:4] == [png, jpeg, png, jpeg]


def test_a_pace_is_kept(artifact, encoded):
    assert 5 <= limit.measure_limit(artifact, encoded, seconds=1.0, rate=10).images <= 11
