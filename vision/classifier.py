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
from vision.releases import NAME, Golden, find_release
from vision.session import open_session

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Probabilities = NDArray[np.float32]

TOP = 5
# What one run takes at most: memory grows with it, and a batch job may hand over thousands.
BATCH = 32


@dataclass(frozen=True, slots=True)
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
    def load(
        cls,
        models: Path,
        version: str,
        *,
        name: str = NAME,
        device: str = "cpu",
        threads: int = 1,
        sizes: Sequence[int] = (1,),
    ) -> Self:
        """Load a built version on `cpu`, `cuda` or `auto`, and prove that it works.

        `sizes` are the batch sizes to come. Raise `ModelError` where the version is missing, will not run, or answers
        the golden photo wrongly. Call it after the fork: neither threads nor a CUDA context survive one.
        """
        artifact = load_artifact(models, version, name)
        classifier = cls(artifact, open_session(artifact.model, device=device, threads=threads))
        # The first run of a size is the slow one, and the one that fails: not at the expense of a user.
        for size in sizes:
            classifier.infer(np.zeros((size, classifier.input_size, classifier.input_size, 3), np.uint8))
        classifier.prove(artifact.golden, find_release(version, name).golden)
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
            [pixels if isinstance(pixels, UnreadableImage) else self.top(next(rows)) for pixels in decoded],
            decode_seconds=decoded_at - started,
            infer_seconds=inferred_at - decoded_at,
        )

    def preprocess(self, image: bytes, *, by: float | None = None) -> Pixels:
        """Decode, crop and resize to pixels [size, size, 3]; raise `UnreadableImage`, `Busy` as `vision.preprocess`."""
        return preprocess(image, self.input_size, by=by)

    def infer(self, pixels: Pixels) -> Probabilities:
        """Turn pixels [batch, size, size, 3] into probabilities [batch, 1000]; raise `ModelError`."""
        session = self._session
        if session is None:
            raise ModelError("this classifier is closed")
        chunks = [pixels[start : start + BATCH] for start in range(0, len(pixels), BATCH)]
        try:
            rows = [session.run(None, {"image": chunk})[0] for chunk in chunks]
            return rows[0] if len(rows) == 1 else np.concatenate(rows)
        except Exception as error:
            raise ModelError(f"inference failed: {error}") from error

    def top(self, probabilities: Probabilities, count: int = TOP) -> tuple[Score, ...]:
        """Return the best classes of one photo's probabilities [1000], best first."""
        # The few that can be among the best, then in order: sorting all thousand costs several times as much. Of two
        # equal scores the lower index comes first, on every machine.
        ordered = probabilities.copy()
        ordered.partition(-count)
        least = ordered[-count]
        few = (probabilities >= least).nonzero()[0]
        best = sorted(zip((-probabilities[few]).tolist(), few.tolist(), strict=True))[:count]
        return tuple(Score(self._labels[index], -negative, index) for negative, index in best)

    def prove(self, photo: bytes, golden: Golden) -> None:
        """Raise `ModelError` unless the model answers a photo as it must."""
        who = f"{self.name} {self.version}"
        probabilities = self.infer(self.preprocess(photo)[None])
        if probabilities.shape != (1, len(self._labels)):
            raise ModelError(
                f"{who} answers one photo with {probabilities.shape} numbers, not (1, {len(self._labels)})"
            )
        if not np.isfinite(probabilities).all():
            raise ModelError(f"{who} answers the golden photo with numbers that are none (NaN or infinite)")
        best = self.top(probabilities[0])[0]
        if best.label != golden.label or best.score < golden.score:
            raise ModelError(
                f"{who} answers the golden photo with {best.label} ({best.score:.3f}), "
                f"not with {golden.label} (at least {golden.score:.3f})"
            )

    def close(self) -> None:
        """Let go of the session and its memory; harmless when repeated."""
        self._session = None

    def _decode(self, image: bytes) -> Pixels | UnreadableImage:
        try:
            return self.preprocess(image)
        except UnreadableImage as error:
            return error
