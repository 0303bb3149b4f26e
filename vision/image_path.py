"""The image path, measured: ours and the one that everybody writes, photo by photo, and whether both answer the same.

The two take turns, and which comes first changes from photo to photo: what else the machine does, and what the other
has left in the caches, hits both alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns

import numpy as np
from numpy.typing import NDArray

from vision import reference
from vision.classifier import Classifier
from vision.preprocess import Pixels, preprocess

Path = Callable[[bytes, int], object]


@dataclass(frozen=True)
class ImagePath:
    """Nanoseconds per photo, in pairs; `same` of so many different `photos` have the same first label."""

    reference_ns: list[int]
    ours_ns: list[int]
    photos: int
    same: int


def measure_image_path(classifier: Classifier, photos: list[bytes], *, seconds: float) -> ImagePath:
    """Answer every photo by both paths once, which also warms them up, then time them over and over for that long.

    Raise `ModelError` where the model cannot run.
    """
    size = classifier.input_size
    same = sum(
        _first(classifier, reference.preprocess(photo, size)) == _first(classifier, preprocess(photo, size))
        for photo in photos
    )
    reference_ns: list[int] = []
    ours_ns: list[int] = []
    order: list[tuple[Path, list[int]]] = [(_reference, reference_ns), (preprocess, ours_ns)]
    end = perf_counter_ns() + int(seconds * 1e9)
    while perf_counter_ns() < end:
        turn, number = divmod(len(ours_ns), len(photos))
        for path, samples in order if (turn + number) % 2 else reversed(order):
            samples.append(_time(path, photos[number], size))
    return ImagePath(reference_ns, ours_ns, len(photos), same)


def _reference(photo: bytes, size: int) -> NDArray[np.float32]:
    return reference.normalise(reference.preprocess(photo, size))


def _time(path: Path, photo: bytes, size: int) -> int:
    started = perf_counter_ns()
    path(photo, size)
    return perf_counter_ns() - started


def _first(classifier: Classifier, pixels: Pixels) -> str:
    return classifier.top(classifier.infer(pixels[None])[0], 1)[0].label
