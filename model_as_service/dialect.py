"""The Open Inference Protocol V2 as the web side speaks it: what a server understands, one photo asked, labels read.

The model behind it takes one BYTES input, an encoded photo in each element, and returns labels (BYTES) and scores
(FP16, FP32 or FP64), best first. Called by the predictor; knows no HTTP but two headers.
"""

import base64
import json
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

HEADER_LENGTH = "Inference-Header-Content-Length"
EXTENSION = "binary_tensor_data"
FLOATS = {"FP16": "e", "FP32": "f", "FP64": "d"}  # and how `struct` calls them


class NotUnderstood(ValueError):  # noqa: N818 - the state of the conversation, not of this program
    """What the server says is not what the protocol, or our use of it, asks for; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How to ask one server: as bytes or as JSON, and what it calls its tensors."""

    binary: bool
    image: str
    label: str
    score: str

    def request(self, image: bytes) -> tuple[bytes, dict[str, str]]:
        """Return body and headers of the question for one photo.

        As bytes the image follows the JSON as one element: its length in 32 bits, little-endian, and itself. JSON
        cannot hold it, so there it is base64; `content_type` tells that to servers that ask for it (MLServer).
        """
        tensor: dict[str, Any] = {"name": self.image, "shape": [1], "datatype": "BYTES"}
        wanted = [{"name": self.label}, {"name": self.score}]
        if not self.binary:
            tensor |= {"parameters": {"content_type": "base64"}, "data": [base64.b64encode(image).decode("ascii")]}
            return json.dumps({"inputs": [tensor], "outputs": wanted}).encode(), {"Content-Type": "application/json"}
        tensor["parameters"] = {"binary_data_size": 4 + len(image)}
        header = json.dumps({"inputs": [tensor], "outputs": wanted}).encode()
        headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(header))}
        return b"".join((header, struct.pack("<I", len(image)), image)), headers

    def scored(self, answer: Mapping[str, Any]) -> list[tuple[str, float]]:
        """Return labels with scores from the outputs of an answer. Raises NotUnderstood."""
        try:
            tensors = {output["name"]: output for output in answer["outputs"]}
            labels, scores = _flat(tensors[self.label]["data"]), _flat(tensors[self.score]["data"])
            as_base64 = (tensors[self.label].get("parameters") or {}).get("content_type") == "base64"
            words = [_text(base64.b64decode(each, validate=True) if as_base64 else each) for each in labels]
            found = [(word, float(score)) for word, score in zip(words, scores, strict=True)]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise NotUnderstood("its answer has no labels with scores") from error
        if not found:
            raise NotUnderstood("its answer has no labels")
        return found


def agreed(server: Mapping[str, Any], model: Mapping[str, Any]) -> Dialect:
    """Return the dialect for what server and model say of themselves. Raises NotUnderstood."""
    extensions = server.get("extensions")
    inputs, outputs = (_tensors(model.get(side)) for side in ("inputs", "outputs"))
    if len(inputs) > 1:
        raise NotUnderstood(f"its model takes {len(inputs)} inputs, not one photo")
    return Dialect(
        binary=isinstance(extensions, list) and EXTENSION in extensions,
        image=_named("image", inputs, {"BYTES"}),
        label=_named("label", outputs, {"BYTES"}),
        score=_named("score", outputs, FLOATS.keys()),
    )


def read(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Read a JSON object, and put binary outputs behind it into their `data`. Raises NotUnderstood."""
    length = headers.get(HEADER_LENGTH.lower())
    try:
        size = len(body) if length is None else int(length)
        answer = json.loads(body[:size])
        if not isinstance(answer, dict):
            raise NotUnderstood("it sent JSON, but no object")
        if length is not None:
            _unpack(answer["outputs"], body[size:])
    except NotUnderstood:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise NotUnderstood("it sent no JSON, or binary data that do not fit their header") from error
    return answer


def _tensors(told: object) -> dict[str, str]:
    """Return the datatypes by name; a server that does not describe its model has none."""
    entries = [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
    return {str(each.get("name")): str(each.get("datatype")) for each in entries}


def _named(usual: str, tensors: Mapping[str, str], datatypes: Collection[str]) -> str:
    """Return the usual name where it is there or nothing is, else the only tensor of such a datatype."""
    right = [name for name, datatype in tensors.items() if datatype in datatypes]
    if usual in right or not tensors:
        return usual
    if len(right) != 1:
        raise NotUnderstood(f"its model has no {usual}: {', '.join(f'{n} {d}' for n, d in tensors.items())}")
    return right[0]


def _unpack(outputs: list[dict[str, Any]], rest: bytes) -> None:
    for output in outputs:
        size = (output.get("parameters") or {}).get("binary_data_size")
        if size is None:
            continue
        data, rest = rest[:size], rest[size:]
        if len(data) != size:
            raise NotUnderstood("it sent less binary data than it says")
        if output["datatype"] == "BYTES":
            output["data"] = _elements(data)
        elif output["datatype"] in FLOATS:
            code = FLOATS[output["datatype"]]
            output["data"] = list(struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data))


def _elements(data: bytes) -> list[bytes]:
    found = []
    while data:
        (length,) = struct.unpack_from("<I", data)
        if 4 + length > len(data):
            raise NotUnderstood("it sent a label that is longer than its data")
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return found


def _flat(data: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """Return nested data in row-major order; the protocol allows both."""
    return [each for item in data for each in (_flat(item) if isinstance(item, list) else [item])]


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
