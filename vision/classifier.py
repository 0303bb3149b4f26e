"""The model, loaded: encoded photos in, five scores each out. What the variants and the inference server import."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from vision.artifact import Artifact, load_artifact
from vision.errors import ModelError, UnreadableImage
from vision.preprocess import Pixels, preprocess
from vision.session import open_session

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Probabilities = NDArray[np.float32]

TOP = 5
# What one run takes at most: memory grows with it, and a batch job may hand over thousands.
BATCH = 32


@dataclass(frozen=True)
class Score:
    """One class: its probability, 0 to 1, and its index in the network's output."""

    label: str
    score: float
    index: int


@dataclass(frozen=True)
class Classified:
    """One answer per photo, in order: five scores, best first, or why this photo has none."""

    answers: list[tuple[Score, ...] | UnreadableImage]
    decode_seconds: float
    infer_seconds: float


class Classifier:
    """One version of the model on one device. Threads may share it: a run keeps no state and releases the GIL."""

    def __init__(self, artifact: Artifact, session: "InferenceSession") -> None:
        self.name = artifact.manifest.name
        self.version = artifact.manifest.version
        self.sha256 = artifact.manifest.sha256
        self.input_size = artifact.manifest.input_size
        self.provider: str = session.get_providers()[0]
        self._labels = artifact.labels
        self._session: InferenceSession | None = session

    @classmethod
    def load(cls, models: Path, version: str, *, device: str = "cpu", threads: int = 1) -> Self:
        """Load a built version on `cpu`, `cuda` or `auto`; raise `ModelError` where it is missing or will not run.

        Call it after the fork: neither the threads of ONNX Runtime nor a CUDA context survive one.
        """
        artifact = load_artifact(models, version)
        classifier = cls(artifact, open_session(artifact.model, device=device, threads=threads))
        # The first run is the slow one, and the one that fails: not at the expense of a user.
        classifier.infer(np.zeros((1, classifier.input_size, classifier.input_size, 3), np.uint8))
        return classifier

    def classify(self, images: Sequence[bytes]) -> Classified:
        """Score encoded photos together. A photo that cannot be read fails alone; a failed run raises `ModelError`."""
        started = perf_counter()
        decoded = [self._decode(image) for image in images]
        decoded_at = perf_counter()
        good = [pixels for pixels in decoded if not isinstance(pixels, UnreadableImage)]
        rows = iter(self.infer(np.stack(good)) if good else ())
        inferred_at = perf_counter()
        return Classified(
            [pixels if isinstance(pixels, UnreadableImage) else self._top(next(rows)) for pixels in decoded],
            decode_seconds=decoded_at - started,
            infer_seconds=inferred_at - decoded_at,
        )

    def preprocess(self, image: bytes) -> Pixels:
        """Decode, crop and resize to pixels [size, size, 3]; raise `UnreadableImage`."""
        return preprocess(image, self.input_size)

    def infer(self, pixels: Pixels) -> Probabilities:
        """Turn pixels [batch, size, size, 3] into probabilities [batch, 1000]; raise `ModelError`."""
        session = self._session
        if session is None:
            raise ModelError("this classifier is closed")
        chunks = [pixels[start : start + BATCH] for start in range(0, len(pixels), BATCH)]
        try:
            return np.concatenate([session.run(None, {"image": chunk})[0] for chunk in chunks])
        except Exception as error:
            raise ModelError(f"inference failed: {error}") from error

    def close(self) -> None:
        """Let go of the session and its memory; harmless when repeated."""
        self._session = None

    def _decode(self, image: bytes) -> Pixels | UnreadableImage:
        try:
            return self.preprocess(image)
        except UnreadableImage as error:
            return error

    def _top(self, probabilities: Probabilities) -> tuple[Score, ...]:
        # The few that can be among the best, then in order: sorting all thousand costs ten times as much. Stable, so
        # that of two equal scores the lower index comes first on every machine.
        few = np.flatnonzero(probabilities >= np.partition(probabilities, -TOP)[-TOP])
        best = few[np.argsort(-probabilities[few], kind="stable")][:TOP]
        return tuple(Score(self._labels[index], float(probabilities[index]), int(index)) for index in best)
