"""The seam between the product and the model: one narrow port, its data, and the errors that may cross it.

                     ┌────────────────── webapp ──────────────────┐
    browser ── HTTP ─┤ routes ── Predictor.predict(photo) ──► ... │  embedded/, model_in_db/, model_as_service/
                     └────────────────────────────────────────────┘

Errors, each raised by a predictor at its own edge with the cause kept:

    PredictionError
    ├── PredictionPending      not computed yet; ask again later
    ├── PredictorUnavailable   whatever answers is down, full or late
    ├── UnreadablePhoto        these bytes are no image that the model can read
    └── UnknownPhoto           no such photo, or none that this predictor can answer for
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

Source = Literal["live", "stored", "fallback"]


class PredictionError(Exception):
    """There is no prediction; the subclass says why, the message says it in words for the user."""


class PredictionPending(PredictionError):  # noqa: N818  (pending is a state, not an error)
    """The prediction has not been computed yet."""


class PredictorUnavailable(PredictionError):  # noqa: N818
    """The predictor cannot answer now; `retry_after` says in how many seconds to ask again."""

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnreadablePhoto(PredictionError):  # noqa: N818
    """The model cannot read these bytes as an image."""


class UnknownPhoto(PredictionError):  # noqa: N818
    """There is no such photo, or the predictor knows no prediction for photos of its kind."""


@dataclass(frozen=True, slots=True)
class PhotoInput:
    """The bytes of one version of a photo; `version` is None for bytes that are stored nowhere."""

    content: bytes
    version: int | None
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo to predict. Reading is left to the predictor: one that has the answer stored never reads it.

    `read` raises UnknownPhoto. `id` is None for bytes that are stored nowhere.
    """

    id: int | None
    read: Callable[[], PhotoInput]


@dataclass(frozen=True, slots=True)
class Label:
    """One class in plain words and its probability, from 0 to 1."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Model:
    """Which model answers; `provider` is the ONNX Runtime execution provider that really runs it."""

    name: str
    version: str
    provider: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """The top five labels, best first, and what they were made from and when: staleness is part of the answer."""

    photo_id: int | None
    photo_version: int | None
    labels: tuple[Label, ...]
    model_name: str
    model_version: str
    input_read_at: datetime
    predicted_at: datetime
    source: Source


class Predictor(Protocol):
    """Says what a photo shows. Where the model runs is the implementer's secret."""

    def predict(self, photo: Photo) -> Prediction:
        """Answer for one photo, or raise a PredictionError."""
        ...

    def ready(self) -> Model:
        """Name the model that answers now, or raise PredictorUnavailable."""
        ...

    def close(self) -> None:
        """Release what it holds; no call may follow."""
        ...
