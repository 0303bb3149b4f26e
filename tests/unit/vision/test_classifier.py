import numpy as np
import pytest

from vision import classifier as module
from vision.artifact import GOLDEN, model_folder
from vision.classifier import Classifier
from vision.errors import ModelError, UnreadableImage
from vision.releases import RELEASES


@pytest.mark.parametrize(("photo", "label"), [("chelsea.png", "tiger cat"), ("coffee.png", "espresso")])
def test_recognises_photographs(classifier, photos, photo, label):
    (answer,) = classifier.classify([(photos / photo).read_bytes()]).answers

    assert answer[0].label == label


def test_five_scores_best_first(classifier, photos):
    (answer,) = classifier.classify([(photos / "rocket.jpg").read_bytes()]).answers

    scores = [score.score for score in answer]
    assert len(answer) == 5
    assert scores == sorted(scores, reverse=True)
    assert 0 < sum(scores) <= 1
    assert (answer[0].index, answer[0].label) == (657, "missile")


def test_knows_what_it_is(classifier):
    assert (classifier.name, classifier.version, classifier.input_size) == ("efficientnet-lite", "1", 224)
    assert classifier.provider == "CPUExecutionProvider"
    assert len(classifier.sha256) == 64


def test_a_bad_image_fails_alone_and_in_its_place(classifier, photos):
    cat, coffee = ((photos / name).read_bytes() for name in ("chelsea.png", "coffee.png"))

    first, second, third = classifier.classify([cat, b"no photo", coffee]).answers

    assert first[0].label == "tiger cat"
    assert isinstance(second, UnreadableImage)
    assert third[0].label == "espresso"


@pytest.mark.parametrize("images", [[], [b"no photo"]])
def test_nothing_to_score_is_no_error(classifier, images):
    classified = classifier.classify(images)

    assert len(classified.answers) == len(images)
    assert classified.decode_seconds >= 0
    assert classified.infer_seconds >= 0


def test_the_two_times_are_those_of_their_stages(classifier, photos, monkeypatch):
    ticks = iter([10.0, 12.0, 17.0])
    monkeypatch.setattr(module, "perf_counter", lambda: next(ticks))

    classified = classifier.classify([(photos / "chelsea.png").read_bytes()])

    assert (classified.decode_seconds, classified.infer_seconds) == (2.0, 5.0)


def test_a_batch_answers_as_its_images_alone(classifier, photos):
    pixels = np.stack([classifier.preprocess((photos / name).read_bytes()) for name in ("chelsea.png", "coffee.png")])

    together = classifier.infer(pixels)
    alone = np.concatenate([classifier.infer(pixels[:1]), classifier.infer(pixels[1:])])

    assert (together.shape, together.dtype) == ((2, 1000), np.float32)
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_large_batches_run_in_chunks(classifier, monkeypatch):
    sizes = []
    session = classifier._session

    class Recording:
        def run(self, outputs, feed):
            sizes.append(len(feed["image"]))
            return session.run(outputs, feed)

    monkeypatch.setattr(classifier, "_session", Recording())
    monkeypatch.setattr(module, "BATCH", 2)

    assert classifier.infer(np.zeros((5, 224, 224, 3), np.uint8)).shape == (5, 1000)
    assert sizes == [2, 2, 1]


def test_equal_scores_are_ordered_by_index(classifier):
    probabilities = np.zeros(1000, np.float32)
    probabilities[[7, 900, 400]] = 0.25

    assert [score.index for score in classifier.top(probabilities)] == [7, 400, 900, 0, 1]


@pytest.mark.parametrize("count", [1, 3, 1000])
def test_as_many_scores_as_are_asked_for(classifier, count):
    probabilities = np.random.default_rng(0).random(1000).astype(np.float32)

    best = classifier.top(probabilities, count)

    assert [score.index for score in best] == np.argsort(-probabilities)[:count].tolist()


def test_pixels_of_another_size_are_a_model_error(classifier):
    with pytest.raises(ModelError, match="inference failed"):
        classifier.infer(np.zeros((1, 100, 100, 3), np.uint8))


def test_a_closed_classifier_says_so(models):
    closing = Classifier.load(models, "1")
    closing.close()
    closing.close()

    with pytest.raises(ModelError, match="closed"):
        closing.infer(np.zeros((1, 224, 224, 3), np.uint8))


def test_loading_runs_the_model_once(models, monkeypatch):
    def fail(self, pixels):
        raise ModelError("inference failed: out of memory")

    monkeypatch.setattr(Classifier, "infer", fail)

    with pytest.raises(ModelError, match="out of memory"):
        Classifier.load(models, "1")


def test_every_size_of_batch_runs_once_before_the_first_user(models, monkeypatch):
    shapes = []
    infer = Classifier.infer

    def remember(self, pixels):
        shapes.append(pixels.shape)
        return infer(self, pixels)

    monkeypatch.setattr(Classifier, "infer", remember)
    Classifier.load(models, "1", name="no-op", sizes=(1, 4, 8)).close()

    assert shapes[:3] == [(1, 224, 224, 3), (4, 224, 224, 3), (8, 224, 224, 3)]


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (np.zeros((1, 999), np.float32), r"one photo with \(1, 999\) numbers, not \(1, 1000\)"),
        (np.zeros((2, 1000), np.float32), r"\(2, 1000\) numbers"),
        (np.full((1, 1000), np.nan, np.float32), "numbers that are none"),
        (np.eye(1, 1000, 3, dtype=np.float32), r"tiger shark \(1\.000\), not with espresso \(at least 0\.900\)"),
        (np.eye(1, 1000, 967, dtype=np.float32) * 0.5, r"espresso \(0\.500\), not with espresso \(at least 0\.900\)"),
    ],
)
def test_a_model_that_fails_its_golden_photo_is_refused(models, monkeypatch, output, words):
    def answer(self, pixels):
        return output

    monkeypatch.setattr(Classifier, "infer", answer)

    with pytest.raises(ModelError, match=f"efficientnet-lite 1 answers .*{words}"):
        Classifier.load(models, "1")


def test_the_golden_photo_is_answered_with_room_to_spare(models):
    for release in RELEASES:
        loaded = Classifier.load(models, release.version, name=release.name)
        photo = (model_folder(models, release.version, release.name) / GOLDEN).read_bytes()
        best = loaded.classify([photo]).answers[0][0]
        assert best.label == release.golden.label
        # Processors and versions of ONNX Runtime differ by far less than this; the no-op model not at all.
        assert best.score >= release.golden.score + (0.02 if release.weights else 0)


def test_the_no_op_model_answers_every_photo_alike(no_op, photos):
    cat, bad, coffee = no_op.classify(
        [(photos / "chelsea.png").read_bytes(), b"no", (photos / "coffee.png").read_bytes()]
    ).answers

    assert (no_op.name, no_op.version, no_op.input_size) == ("no-op", "1", 224)
    assert cat == coffee
    assert [(score.label, score.index) for score in cat[:2]] == [("tench", 0), ("goldfish", 1)]
    assert isinstance(bad, UnreadableImage)


def test_the_second_version_sees_more_pixels_and_is_another_model(models, classifier, photos):
    second = Classifier.load(models, "2")

    (answer,) = second.classify([(photos / "chelsea.png").read_bytes()]).answers

    assert (second.version, second.input_size) == ("2", 240)
    assert second.sha256 != classifier.sha256
    assert "cat" in answer[0].label or answer[0].label == "Egyptian Mau"
