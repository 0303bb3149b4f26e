"""The Open Inference Protocol V2 as bytes: requests read, answers written, JSON and the binary tensor extension.

    POST body (binary):   {"inputs": [{..., "parameters": {"binary_data_size": N}}], ...}   JSON header
                          <N bytes: for each BYTES element its length (uint32, little-endian) and itself>
    header:               Inference-Header-Content-Length: length of the JSON header

Sources: kserve/open-inference-protocol inference_rest.md; triton-inference-server extension_binary_data.md.
In JSON a BYTES element is a string, which cannot hold a JPEG: there the image is base64.
"""

import base64
import binascii
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

HEADER_LENGTH = "Inference-Header-Content-Length"
MAX_IMAGES = 32

INPUTS = [{"name": "image", "datatype": "BYTES", "shape": [-1]}]
OUTPUTS = [
    {"name": "label", "datatype": "BYTES", "shape": [-1, 5]},
    {"name": "score", "datatype": "FP32", "shape": [-1, 5]},
    {"name": "index", "datatype": "INT32", "shape": [-1, 5]},
]


class ProtocolError(Exception):
    """The request is not what the protocol or the model asks for; answered with `{"error": ...}` and this status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class InferRequest:
    """Encoded images, and for each output asked for whether it goes back as binary; `id` is echoed."""

    id: str | None
    images: list[bytes]
    outputs: dict[str, bool]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP body with the headers that say how to read it."""

    body: bytes
    headers: dict[str, str]


def parse(body: bytes, header_length: str | None) -> InferRequest:
    """Read an inference request; raises ProtocolError with words that say what to mend."""
    size = _header_size(header_length, len(body))
    document = _object(_json(body[:size]), "the request")
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1:
        raise ProtocolError("inputs must be a list of exactly one tensor, 'image'")
    images = _images(_object(inputs[0], "inputs[0]"), memoryview(body)[size:])
    request_id = document.get("id")
    if not isinstance(request_id, str | None):
        raise ProtocolError("id must be a string")
    return InferRequest(request_id, images, _wanted(document))


def write(
    request: InferRequest, tensors: Mapping[str, NDArray[Any]], *, model: str, version: str, provider: str
) -> Answer:
    """Write the tensors asked for, of shape [images, 5]; string arrays become BYTES."""
    outputs, binary = [], []
    for name, as_binary in request.outputs.items():
        tensor = tensors[name]
        output: dict[str, Any] = {"name": name, "datatype": _datatype(name), "shape": list(tensor.shape)}
        if as_binary:
            data = _raw(tensor)
            output["parameters"] = {"binary_data_size": len(data)}
            binary.append(data)
        else:
            output["data"] = tensor.reshape(-1).tolist()
        outputs.append(output)
    document: dict[str, Any] = {
        "model_name": model,
        "model_version": version,
        "parameters": {"provider": provider},
        "outputs": outputs,
    }
    if request.id is not None:
        document["id"] = request.id
    header = orjson.dumps(document)
    if not binary:
        return Answer(header, {"Content-Type": "application/json"})
    headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(header))}
    return Answer(b"".join((header, *binary)), headers)


def _header_size(header_length: str | None, total: int) -> int:
    if header_length is None:
        return total
    digits = header_length.isascii() and header_length.isdigit() and len(header_length) <= len(str(total))
    if not digits or not 0 < int(header_length) <= total:
        raise ProtocolError(f"{HEADER_LENGTH} must be a number from 1 to the body's length, {total}")
    return int(header_length)


def _json(text: bytes) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ProtocolError(f"the request's header is not JSON: {error}") from error


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ProtocolError(f"{name} must be a JSON object")
    return value


def _parameters(holder: dict[str, Any], name: str) -> dict[str, Any]:
    return _object(holder.get("parameters", {}), f"{name}.parameters")


def _images(tensor: dict[str, Any], binary: memoryview) -> list[bytes]:
    if tensor.get("name") != "image" or tensor.get("datatype") != "BYTES":
        raise ProtocolError("the input must be named 'image' and have datatype BYTES")
    count = _count(tensor.get("shape"))
    size = _parameters(tensor, "inputs[0]").get("binary_data_size")
    images = _from_json(tensor.get("data"), binary) if size is None else _from_binary(size, binary, count)
    if len(images) != count:
        raise ProtocolError(f"the shape says {count} images, the data holds another number")
    return images


def _count(shape: object) -> int:
    """Return how many elements a shape of one dimension, or of more dimensions with one image in each, holds."""
    sizes = shape if isinstance(shape, list) else []
    if not sizes or not all(type(size) is int and size > 0 for size in sizes) or math.prod(sizes) > MAX_IMAGES:
        raise ProtocolError(f"shape must be [n] with n from 1 to {MAX_IMAGES}")
    return math.prod(sizes)


def _from_json(data: object, binary: memoryview) -> list[bytes]:
    if binary:
        raise ProtocolError(f"{len(binary)} bytes follow the header; the input needs parameters.binary_data_size")
    if not isinstance(data, list):
        raise ProtocolError("the input needs data, a list of base64 strings, or parameters.binary_data_size")
    flat = [item for row in data for item in (row if isinstance(row, list) else [row])]
    try:
        return [base64.b64decode(item, validate=True) for item in flat]
    except (binascii.Error, TypeError, ValueError) as error:
        raise ProtocolError(f"data must be base64 strings: {error}") from error


def _from_binary(size: object, binary: memoryview, count: int) -> list[bytes]:
    if type(size) is not int or size != len(binary):
        raise ProtocolError(f"binary_data_size must be the {len(binary)} bytes that follow the header, not {size!r}")
    images: list[bytes] = []
    at = 0
    while at < size and len(images) <= count:  # one too many is enough to refuse them
        if at + 4 > size:
            raise ProtocolError("the binary data ends within the length of an element")
        (length,) = struct.unpack_from("<I", binary, at)
        if at + 4 + length > size:
            raise ProtocolError(f"an element of {length} bytes does not fit into the binary data")
        images.append(bytes(binary[at + 4 : at + 4 + length]))
        at += 4 + length
    return images


def _wanted(document: dict[str, Any]) -> dict[str, bool]:
    """Return the outputs asked for, in order, and whether each goes back as binary; none named means all."""
    default = bool(_parameters(document, "request").get("binary_data_output", False))
    outputs = document.get("outputs") or OUTPUTS
    if not isinstance(outputs, list):
        raise ProtocolError("outputs must be a list")
    wanted = {}
    for number, item in enumerate(outputs):
        output = _object(item, f"outputs[{number}]")
        name = output.get("name")
        if name not in [known["name"] for known in OUTPUTS]:
            raise ProtocolError(f"there is no output {name!r}; there are label, score and index")
        wanted[str(name)] = bool(_parameters(output, f"outputs[{number}]").get("binary_data", default))
    return wanted


def _datatype(name: str) -> str:
    return next(str(output["datatype"]) for output in OUTPUTS if output["name"] == name)


def _raw(tensor: NDArray[Any]) -> bytes:
    if tensor.dtype.kind != "O":
        return np.ascontiguousarray(tensor).astype(tensor.dtype.newbyteorder("<"), copy=False).tobytes()
    elements: Sequence[bytes] = [str(text).encode() for text in tensor.reshape(-1)]
    return b"".join(struct.pack("<I", len(element)) + element for element in elements)
