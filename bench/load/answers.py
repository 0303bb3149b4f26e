"""What an answer is worth: the outcome of a request, the facts in its body, the stages in its Server-Timing. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

STAGES = ("app", "db", "decode", "queue", "infer")
PATHS = {
    "prediction": "/api/photos/{id}/prediction",
    "metadata": "/api/photos/{id}",
    "page": "/photos/{id}",
    "image": "/api/photos/{id}/image",
}
HTTP_OK, HTTP_PENDING, HTTP_REFUSED = 200, 202, 503
REFUSALS = (429, HTTP_REFUSED)  # servers differ in how they say that they have too much to do


@dataclass(frozen=True)
class Verdict:
    """The outcome of one answer, and for predictions which model version gave it and from where."""

    outcome: str
    model_version: str | None = None
    source: str | None = None


def labels_of(prediction: Mapping[str, object]) -> list[str]:
    """Return the labels of a prediction body in order. Raises KeyError, TypeError or ValueError when there are none."""
    labels = prediction["labels"]
    if not isinstance(labels, list) or not labels:
        raise ValueError("labels must be a list that is not empty")
    return [str(entry["label"]) for entry in labels]


def judge(case: str, status: int, body: bytes, photo_id: str, expected: Sequence[str]) -> Verdict:
    """Judge an answer that arrived in full. A quick answer that is not the answer is no success."""
    if status == HTTP_REFUSED:
        return Verdict("refused")
    if case == "prediction":
        return judge_prediction(status, body, expected)
    if status != HTTP_OK:
        return Verdict("error")
    if case == "metadata":
        return Verdict(_metadata(body, photo_id))
    return Verdict("ok" if body else "wrong")


def judge_prediction(status: int, body: bytes, expected: Sequence[str]) -> Verdict:
    """Compare a prediction with the labels that are right, if they are known. Pending and fallback are no success."""
    if status == HTTP_PENDING:
        return Verdict("pending")
    if status != HTTP_OK:
        return Verdict("error")
    try:
        answer = json.loads(body)
        labels, source = labels_of(answer), str(answer["source"])
        version = str(answer["model"]["version"])
    except (ValueError, KeyError, TypeError):
        return Verdict("error")
    outcome = "degraded" if source == "fallback" else "ok" if labels == list(expected) or not expected else "wrong"
    return Verdict(outcome, version, source)


def judge_label(status: int, body: bytes, expected: Sequence[str], first_label: Callable[[bytes], str]) -> Verdict:
    """Judge what an inference server answered by its first label, which `first_label` reads or raises ValueError."""
    if status in REFUSALS:
        return Verdict("refused")
    if status != HTTP_OK:
        return Verdict("error")
    try:
        label = first_label(body)
    except ValueError:
        return Verdict("error")
    return Verdict("ok" if label in expected[:1] or not expected else "wrong")


def _metadata(body: bytes, photo_id: str) -> str:
    try:
        return "ok" if str(json.loads(body)["id"]) == photo_id else "wrong"
    except (ValueError, KeyError, TypeError):
        return "error"


def stages(header: str | None) -> dict[str, float]:
    """Return milliseconds by stage from a Server-Timing header (W3C), of the stages that we know.

    A malformed entry is left out: the header is diagnosis, it must not fail a good answer.
    """
    found = {}
    for entry in (header or "").split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if name in STAGES and key.strip().lower() == "dur":
                try:
                    found[name] = float(value.strip().strip('"'))
                except ValueError:
                    continue
    return found
