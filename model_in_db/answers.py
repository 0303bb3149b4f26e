"""What becomes of some photos: they are read and classified, and each gets the row of its answer."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import null

from vision.classifier import Classifier, Score
from vision.errors import UnreadableImage
from webapp.clock import utc_now
from webapp.database import Damaged
from webapp.photos import PhotoStore
from webapp.predictor import PhotoInput, UnreadablePhoto

Refusal = OSError | Damaged  # why a photo cannot be read now; it may be in the next run


class Input(NamedTuple):
    """A photo to score, or why nobody can: `unreadable`."""

    photo_id: int
    photo: PhotoInput
    unreadable: UnreadableImage | None = None


def read(
    photos: PhotoStore, photo_ids: Sequence[int], deadly: Mapping[int, Input], refused: list[Refusal]
) -> Iterator[Input]:
    """Read some photos, but for the deadly ones; what neither disk nor database give goes to `refused`."""
    for photo_id in photo_ids:
        try:
            yield deadly.get(photo_id) or _input(photos, photo_id)
        except (OSError, Damaged) as error:
            refused.append(error)


def _input(photos: PhotoStore, photo_id: int) -> Input:
    """Read a photo; of one whose file is gone, there are no bytes. Raises OSError where nobody can say now."""
    read_at = utc_now()
    try:
        return Input(photo_id, photos.read(photo_id))
    except UnreadablePhoto as error:
        return Input(photo_id, PhotoInput(b"", photos.get(photo_id).version, read_at), UnreadableImage(str(error)))


def answers(inputs: Sequence[Input], classifier: Classifier, set_id: int) -> list[dict[str, Any]]:
    """Classify some photos; one that cannot be read gets a row that says so and harms no other."""
    readable = [each.photo.content for each in inputs if each.unreadable is None]
    found = iter(classifier.classify(readable).answers)
    made = {
        "set_id": set_id,
        "model_name": classifier.name,
        "model_version": classifier.version,
        "predicted_at": utc_now(),
    }
    return [
        made
        | {"photo_id": each.photo_id, "photo_version": each.photo.version, "input_read_at": each.photo.read_at}
        | _outcome(each.unreadable or next(found))
        for each in inputs
    ]


def _outcome(answer: tuple[Score, ...] | UnreadableImage) -> dict[str, Any]:
    if isinstance(answer, UnreadableImage):
        return {"labels": null(), "error": str(answer)[:500]}
    return {"labels": [[score.label, score.score] for score in answer], "error": None}
