"""What becomes of some photos: they are read and classified, and each gets the row of its answer."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import null

from vision.classifier import Classifier, Score
from vision.errors import UnreadableImage
from webapp.clock import utc_now
from webapp.photos import PhotoStore
from webapp.predictor import PhotoInput, UnreadablePhoto


class Input(NamedTuple):
    """A photo to score; where its file is gone, there are no bytes, and `gone` says so."""

    photo_id: int
    photo: PhotoInput
    gone: UnreadableImage | None = None


def read(photos: PhotoStore, photo_ids: Sequence[int], refused: list[OSError]) -> Iterator[Input]:
    """Read some photos; those that the disk does not give are left out, and why is added to `refused`."""
    for photo_id in photo_ids:
        try:
            yield _input(photos, photo_id)
        except OSError as error:
            refused.append(error)


def _input(photos: PhotoStore, photo_id: int) -> Input:
    """Read a photo; of one whose file is gone, nothing is read. Raises OSError where nobody can say now."""
    read_at = utc_now()
    try:
        return Input(photo_id, photos.read(photo_id))
    except UnreadablePhoto as error:
        photos.check_files()
        return Input(photo_id, PhotoInput(b"", photos.get(photo_id).version, read_at), UnreadableImage(str(error)))


def answers(inputs: Sequence[Input], classifier: Classifier, set_id: int) -> list[dict[str, Any]]:
    """Classify some photos; one that cannot be read gets a row that says so and harms no other."""
    found = classifier.classify([each.photo.content for each in inputs]).answers
    made = {
        "set_id": set_id,
        "model_name": classifier.name,
        "model_version": classifier.version,
        "predicted_at": utc_now(),
    }
    return [
        made
        | {"photo_id": each.photo_id, "photo_version": each.photo.version, "input_read_at": each.photo.read_at}
        | _outcome(each.gone or answer)
        for each, answer in zip(inputs, found, strict=True)
    ]


def _outcome(answer: tuple[Score, ...] | UnreadableImage) -> dict[str, Any]:
    if isinstance(answer, UnreadableImage):
        return {"labels": null(), "error": str(answer)[:500]}
    return {"labels": [[score.label, score.score] for score in answer], "error": None}
