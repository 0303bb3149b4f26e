"""What an answer of the product is worth: the outcome of a request, the facts in its body, its stages. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.stacks.contract import HTTP_OK, HTTP_PENDING, HTTP_REFUSED, labels_of
from runfile.columns import STAGES

REFUSALS = (429, HTTP_REFUSED)  # servers differ in how they say that they have too much to do

UNREADABLE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
)  # the last: lists within lists within ...

Labels = Mapping[str, Sequence[str]]  # that are right, by version of the model; empty: any will do


@dataclass(frozen=True)
class Verdict:
    """The outcome of one answer, and what a prediction says of itself: columns of `runfile.columns.ANSWERED`."""

    outcome: str
    words: Mapping[str, str | None] = field(default_factory=dict)


def judge(case: str, status: int, body: bytes, photo_id: str, expected: Labels) -> Verdict:
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


def judge_prediction(status: int, body: bytes, expected: Labels) -> Verdict:
    """Compare a prediction with what is right by its model's version. Pending and fallback are no success."""
    if status == HTTP_PENDING:
        return Verdict("pending")
    if status != HTTP_OK:
        return Verdict("error")
    try:
        answer = json.loads(body)
        labels, source, version = labels_of(answer), str(answer["source"]), str(answer["model"]["version"])
        words = {name: _text(answer.get(name)) for name in ("photo_version", "input_read_at", "predicted_at")}
    except UNREADABLE:
        return Verdict("error")
    right = not expected or labels == list(expected.get(version, ()))
    outcome = "degraded" if source == "fallback" else "ok" if right else "wrong"
    return Verdict(outcome, {"model_version": version, "source": source, **words})


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _metadata(body: bytes, photo_id: str) -> str:
    try:
        return "ok" if str(json.loads(body)["id"]) == photo_id else "wrong"
    except UNREADABLE:
        return "error"


def stages(header: str | None) -> dict[str, float]:
    """Return milliseconds by known stage of a Server-Timing header (W3C). A malformed entry fails no good answer."""
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
