"""Answers from an inference server that speaks the Open Inference Protocol V2: ours, or any other one."""

import re
from contextlib import nullcontext
from time import monotonic
from typing import Any

from imaging.cost import judge
from imaging.errors import Busy, UnreadableImage
from imaging.turns import turn
from model_as_service.dialect import Dialect, NotUnderstood, agreed, read
from model_as_service.pool import CallFailed, Pool, Reply
from webapp.clock import utc_now
from webapp.deadline import USUAL_S, allowed_s
from webapp.predictor import Label, Model, Photo, Prediction, PredictorUnavailable, UnreadablePhoto
from webapp.timing import record

_STAGE = re.compile(r"([a-z]+);dur=([0-9]+(?:\.[0-9]+)?)")
_OK, _BAD_REQUEST = 200, 400
# Our server says 422. Others say 400, and as the question's form is agreed with them, it is the photo that is bad.
_BAD_PHOTO = (_BAD_REQUEST, 422)


class RemotePredictor:
    """Sends the photo's bytes as they are; decoding and inference happen over there.

    How to ask is agreed with the server before the first question, and kept.
    """

    def __init__(self, url: str, *, model: str = "efficientnet-lite", deadline_seconds: float = USUAL_S) -> None:
        self._server_url = f"{url.rstrip('/')}/v2"
        self._model_url = f"{self._server_url}/models/{model}"
        self._deadline = deadline_seconds
        self._pool = Pool()
        self._dialect: Dialect | None = None
        self._version = "unknown"  # the one that answered last, for servers whose metadata do not tell

    def predict(self, photo: Photo) -> Prediction:
        """Have the photo's current bytes classified within the deadline, which begins now.

        Raises UnknownPhoto, UnreadablePhoto, PredictorUnavailable.
        """
        begun = monotonic()
        photo_input = photo.read()
        try:
            dialect, answer = self._infer(photo_input.content, begun)
        except UnreadableImage as error:
            raise UnreadablePhoto(str(error)) from error
        except Busy as error:
            raise PredictorUnavailable(f"The model is busy: {error}.", retry_after=error.retry_after) from error
        self._version = str(answer.get("model_version") or "unknown")
        return Prediction(
            photo_id=photo.id,
            photo_version=photo_input.version,
            labels=_labels(dialect, answer),
            model_name=str(answer.get("model_name")),
            model_version=self._version,
            input_read_at=photo_input.read_at,
            predicted_at=utc_now(),
            source="live",
        )

    def ready(self) -> Model:
        """Ask the server which model it serves; raises PredictorUnavailable."""
        answer = _answer(self._call(self._model_url, monotonic() + self._deadline))
        versions, parameters = answer.get("versions"), answer.get("parameters")
        return Model(
            name=str(answer.get("name")),
            version=str(versions[-1]) if isinstance(versions, list) and versions else self._version,
            provider=str(parameters.get("provider", "unknown")) if isinstance(parameters, dict) else "unknown",
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def _infer(self, encoded: bytes, begun: float) -> tuple[Dialect, dict[str, Any]]:
        """Ask for one photo. What it costs is judged here already, so that large ones do not take all web threads."""
        cost = judge(encoded)
        end = begun + allowed_s(cost, self._deadline)
        with turn(end) if cost.large else nullcontext():
            dialect = self._agree(end)
            body, headers = dialect.request(encoded)
            reply = self._call(f"{self._model_url}/infer", end, body, headers)
        if reply.status == _BAD_REQUEST:
            self._dialect = None  # or another server answers there by now: agree again next time
        if reply.status in _BAD_PHOTO and (words := _error(reply)):
            raise UnreadablePhoto(words)
        return dialect, _answer(reply)

    def _agree(self, end: float) -> Dialect:
        if self._dialect is None:
            server, model = (_answer(self._call(url, end)) for url in (self._server_url, self._model_url))
            try:
                self._dialect = agreed(server, model)
            except NotUnderstood as error:
                raise PredictorUnavailable(f"The inference server cannot be asked: {error}.") from error
        return self._dialect

    def _call(self, url: str, end: float, body: bytes = b"", headers: dict[str, str] | None = None) -> Reply:
        left = end - monotonic()
        try:
            if headers is None:
                reply = self._pool.get(url, left)
            else:
                # Whoever reads it need not work on what nobody waits for any more.
                told = {**headers, "X-Request-Timeout-Ms": str(max(1, int(left * 1e3)))}
                reply = self._pool.post(url, body, told, left)
        except CallFailed as error:
            raise PredictorUnavailable(f"The inference server does not answer ({error}).") from error
        for name, milliseconds in _STAGE.findall(reply.headers.get("server-timing", "")):
            record(name, float(milliseconds) / 1e3)
        return reply


def _answer(reply: Reply) -> dict[str, Any]:
    """Return the body of a 200; any other status means that there is no answer."""
    if reply.status != _OK:
        retry_after = reply.headers.get("retry-after", "")
        raise PredictorUnavailable(
            f"The inference server answered {reply.status}: {_error(reply) or 'without words'}",
            retry_after=int(retry_after) if re.fullmatch("[0-9]{1,6}", retry_after) else 1,
        )
    try:
        return read(reply.headers, reply.body)
    except NotUnderstood as error:
        raise PredictorUnavailable(f"The inference server cannot be understood: {error}.") from error


def _error(reply: Reply) -> str:
    """Return the words of an error as the protocol wants them, or none."""
    try:
        words = read({}, reply.body).get("error")
    except NotUnderstood:
        return ""
    return words if isinstance(words, str) else ""


def _labels(dialect: Dialect, answer: dict[str, Any]) -> tuple[Label, ...]:
    try:
        return tuple(Label(label, score) for label, score in dialect.scored(answer))
    except NotUnderstood as error:
        raise PredictorUnavailable(f"The inference server cannot be understood: {error}.") from error
