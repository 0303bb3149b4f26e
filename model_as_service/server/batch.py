"""One batch on the model: decode, infer, and an answer or an error for each image. Runs on the thread of the model.

An image that cannot be read, or that the model cannot digest, fails alone. A run that fails as a whole is repeated
image by image, once, to find out whose fault it is.
"""

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np

from model_as_service.server.lanes import Item
from model_as_service.server.refused import Refused
from vision.classifier import Classifier, Probabilities
from vision.errors import ModelError, UnreadableImage
from vision.preprocess import Pixels

log = logging.getLogger(__name__)

Answer = Probabilities | Refused
Map = Callable[[Callable[[Item], Pixels | Refused], Sequence[Item]], Iterable[Pixels | Refused]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answers in the order of the items. `whole`: nothing went wrong, so the time is that of a batch this large."""

    answers: Sequence[Answer]
    begun: float
    decode_s: float
    infer_s: float
    whole: bool

    @property
    def seconds(self) -> float:
        """How long the model was taken."""
        return self.decode_s + self.infer_s

    @property
    def answered(self) -> bool:
        """Whether the model gave any answer, or was not asked."""
        return any(not isinstance(answer, Refused) or answer.status != BROKEN for answer in self.answers)


BROKEN = 500


def run(items: Sequence[Item], decoded_at: Callable[[float], None], each: Map = map) -> Outcome:
    """Answer every item; never raises. All items are for the same version. Tells when all of them are decoded.

    `each` applies a function to all of them, perhaps on several threads.
    """
    begun = monotonic()
    answers: list[Answer] = []
    try:
        decoded = list(each(_pixels, items))
        at = monotonic()
        decoded_at(at)
        answers = _infer(items[0].job.version.classifier, decoded)
    except Exception:  # the thread of the model must survive our own mistakes
        log.exception("a batch failed")
        at, answers = (
            monotonic(),
            [Refused("something went wrong here; it has been logged", BROKEN, reason="bug")] * len(items),
        )
    ended = monotonic()
    for job in {id(item.job): item.job for item in items}.values():
        job.begun = job.begun or begun
        job.decode_s += at - begun
        job.infer_s += ended - at
    whole = not any(isinstance(answer, Refused) for answer in answers)
    return Outcome(answers, begun, at - begun, ended - at, whole)


def decode(classifier: Classifier, image: bytes) -> tuple[Pixels, float]:
    """Return the pixels of a photo and the seconds that it took; raises UnreadableImage."""
    started = monotonic()
    return classifier.preprocess(image), monotonic() - started


def _pixels(item: Item) -> Pixels | Refused:
    job = item.job
    try:
        decoding = job.decoded.get(item.index)
        if decoding is None:
            return job.version.classifier.preprocess(item.image)
        pixels, seconds = decoding.result()
    except UnreadableImage as error:
        return Refused(str(error), 422, reason="unreadable")
    job.decode_s = max(job.decode_s, seconds)
    return pixels


def _infer(classifier: Classifier, decoded: Sequence[Pixels | Refused]) -> list[Answer]:
    good = [pixels for pixels in decoded if not isinstance(pixels, Refused)]
    rows = iter(_rows(classifier, good))
    return [pixels if isinstance(pixels, Refused) else next(rows) for pixels in decoded]


def _rows(classifier: Classifier, pixels: Sequence[Pixels]) -> list[Answer]:
    """Return one row of probabilities for each image, or why it has none."""
    if not pixels:
        return []
    try:
        rows = classifier.infer(pixels[0][None] if len(pixels) == 1 else np.stack(pixels))
    except ModelError as error:
        if len(pixels) > 1:
            return [answer for one in pixels for answer in _rows(classifier, [one])]
        log.error("%s", error)  # noqa: TRY400  (our own words, no traceback)
        return [Refused("the model fails on this image", BROKEN, reason="model")]
    if math.isfinite(rows.sum()):
        return list(rows)
    return [
        row if math.isfinite(row.sum()) else Refused("the model has no answer for this image", 422, reason="no_answer")
        for row in rows
    ]
