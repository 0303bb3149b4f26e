"""Answers from an inference server that speaks the Open Inference Protocol V2."""

import json
import re
import struct
from time import monotonic
from typing import Any

from model_as_service.pool import CallFailed, Pool, Reply
from webapp.clock import utc_now
from webapp.predictor import Label, Model, Photo, Prediction, PredictorUnavailable, UnreadablePhoto
from webapp.timing import record

_STAGE = re.compile(r"([a-z]+);dur=([0-9]+(?:\.[0-9]+)?)")


class RemotePredictor:
    """Sends the photo's bytes as they are; decoding and inference happen over there."""

    def __init__(self, url: str, *, model: str = "efficientnet-lite", deadline_seconds: float = 0.3) -> None:
        self._model_url = f"{url.rstrip('/')}/v2/models/{model}"
        self._deadline = deadline_seconds
        self._pool = Pool()

    def predict(self, photo: Photo) -> Prediction:
        """Have the photo's current bytes classified within the deadline, which begins now.

        Raises UnknownPhoto, UnreadablePhoto, PredictorUnavailable.
        """
        end = monotonic() + self._deadline
        photo_input = photo.read()
        body, headers = _infer_request(photo_input.content)
        answer = self._ask(f"{self._model_url}/infer", end, body, headers)
        return Prediction(
            photo_id=photo.id,
            photo_version=photo_input.version,
            labels=_labels(answer),
            model_name=str(answer.get("model_name")),
            model_version=str(answer.get("model_version")),
            input_read_at=photo_input.read_at,
            predicted_at=utc_now(),
            source="live",
        )

    def ready(self) -> Model:
        """Ask the server which model it serves; raises PredictorUnavailable."""
        answer = self._ask(self._model_url, monotonic() + self._deadline)
        try:
            provider = answer.get("parameters", {}).get("provider", "unknown")
            return Model(str(answer["name"]), str(answer["versions"][-1]), str(provider))
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise PredictorUnavailable("The inference server does not describe its model as V2 asks.") from error

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def _ask(self, url: str, end: float, body: bytes = b"", headers: dict[str, str] | None = None) -> dict[str, Any]:
        left = end - monotonic()
        try:
            reply = self._pool.post(url, body, headers, left) if headers else self._pool.get(url, left)
        except CallFailed as error:
            raise PredictorUnavailable(f"The inference server does not answer ({error}).") from error
        for name, milliseconds in _STAGE.findall(reply.headers.get("server-timing", "")):
            record(name, float(milliseconds) / 1e3)
        return _answer(reply)


def _infer_request(image: bytes) -> tuple[bytes, dict[str, str]]:
    """Write a V2 request: a JSON header, then the image as one BYTES element (32-bit little-endian length, bytes)."""
    tensor = {
        "name": "image",
        "shape": [1],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": 4 + len(image)},
    }
    header = json.dumps({"inputs": [tensor], "outputs": [{"name": "label"}, {"name": "score"}]}).encode()
    body = b"".join((header, struct.pack("<I", len(image)), image))
    return body, {
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(len(header)),
    }


def _answer(reply: Reply) -> dict[str, Any]:
    """Return the body of a 200; raise what any other status means."""
    try:
        answer = json.loads(reply.body)
    except ValueError as error:
        raise PredictorUnavailable(f"The inference server sent status {reply.status} and no JSON.") from error
    if reply.status == 200 and isinstance(answer, dict):  # noqa: PLR2004
        return answer
    words = answer.get("error", "") if isinstance(answer, dict) else ""
    if reply.status == 422:  # noqa: PLR2004
        raise UnreadablePhoto(words)
    retry_after = reply.headers.get("retry-after", "")
    raise PredictorUnavailable(
        f"The inference server answered {reply.status}: {words}",
        retry_after=int(retry_after) if re.fullmatch("[0-9]{1,6}", retry_after) else 1,
    )


def _labels(answer: dict[str, Any]) -> tuple[Label, ...]:
    try:
        tensors = {tensor["name"]: tensor["data"] for tensor in answer["outputs"]}
        return tuple(Label(str(each), float(p)) for each, p in zip(tensors["label"], tensors["score"], strict=True))
    except (KeyError, TypeError, ValueError) as error:
        raise PredictorUnavailable("The inference server's answer has no labels with scores.") from error
