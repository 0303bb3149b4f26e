"""Inference requests as a client writes them, and answers as it reads them."""

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from model_as_service.server.reading import HEADER_LENGTH

Message = tuple[bytes, str | None]  # a body, and the length of its JSON header where it has one


def elements(contents: Sequence[bytes]) -> bytes:
    return b"".join(struct.pack("<I", len(content)) + content for content in contents)


def binary_request(contents: Sequence[bytes], **more: object) -> Message:
    data = elements(contents)
    tensor = {"name": "image", "shape": [len(contents)], "datatype": "BYTES"}
    header = json.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": len(data)}}], **more}).encode()
    return header + data, str(len(header))


def json_request(contents: Sequence[bytes], more: Mapping[str, object] | None = None, **tensor: object) -> Message:
    data = [base64.b64encode(content).decode() for content in contents]
    image = {"name": "image", "shape": [len(contents)], "datatype": "BYTES", "data": data}
    return json.dumps({"inputs": [image | tensor], **(more or {})}).encode(), None


def with_length(length: str | None) -> dict[str, str]:
    return {} if length is None else {HEADER_LENGTH: length}


def binary_outputs(body: bytes, header_length: int) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the JSON header of an answer and the bytes of each binary output; all bytes are somebody's."""
    document, at, found = json.loads(body[:header_length]), header_length, {}
    for output in document["outputs"]:
        if "parameters" in output:
            end = at + output["parameters"]["binary_data_size"]
            found[output["name"]], at = body[at:end], end
    assert at == len(body)
    return document, found
