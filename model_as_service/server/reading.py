"""An inference request, read: from the bytes of the Open Inference Protocol V2 to encoded photos and wishes.

    POST body (binary):   {"inputs": [{..., "parameters": {"binary_data_size": N}}], ...}   JSON header
                          <N bytes: for each BYTES element its length (uint32, little-endian) and itself>
    header:               Inference-Header-Content-Length: length of the JSON header; 0: the body is one photo, no JSON

Sources: kserve/open-inference-protocol inference_rest.md; triton-inference-server/server docs/protocol:
extension_binary_data.md, extension_classification.md, extension_schedule_policy.md. In JSON a BYTES element is a
string, which cannot hold a JPEG: there the image is base64.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from model_as_service.server.lanes import BULK, INTERACTIVE
from model_as_service.server.refused import Refused, shown
from model_as_service.server.tensors import CLASSES, DATATYPES, MAX_IMAGES, split

HEADER_LENGTH = "Inference-Header-Content-Length"
MOST_PARTS = 10_000  # of a document
MOST_ID = 4096  # characters


@dataclass(frozen=True, slots=True)
class Wanted:
    """One output: as binary or JSON, and with `classes` as that many "value:index:label" instead of numbers."""

    name: str
    binary: bool = False
    classes: int = 0


ALL_BINARY = tuple(Wanted(name, binary=True) for name in DATATYPES)


@dataclass(frozen=True, slots=True)
class Request:
    """Encoded images and the outputs asked for; `id` is echoed. `timeout_s` is the client's, None where it has none."""

    id: str | None
    images: Sequence[bytes]
    wanted: Sequence[Wanted]
    timeout_s: float | None = None
    lane: int = INTERACTIVE


def read(body: bytes, header_length: str | None) -> Request:
    """Read an inference request; raises Refused with words that say what to mend."""
    size = _header_size(header_length, len(body))
    if body and size == 0:
        return Request(None, [body], ALL_BINARY)
    document = _object(parse(body[:size], "the request's header"), "the request")
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1:
        raise Refused("inputs must be a list of exactly one tensor, 'image'")
    images = _images(_object(inputs[0], "inputs[0]"), memoryview(body)[size:])
    request_id = document.get("id")
    if not isinstance(request_id, str | None):
        raise Refused("id must be a string")
    if request_id is not None and len(request_id) > MOST_ID:  # the answer repeats it
        raise Refused(f"id has {len(request_id):,} characters, at most {MOST_ID:,}")
    parameters = _parameters(document, "request")
    timeout_us = _count(parameters, "timeout")
    lane = BULK if _count(parameters, "priority") > 1 else INTERACTIVE  # 1 is the highest, 0 the server's default
    return Request(request_id, images, _wanted(document, parameters), timeout_us / 1e6 or None, lane)


def _header_size(header_length: str | None, total: int) -> int:
    if header_length is None:
        return total
    digits = header_length.isascii() and header_length.isdigit() and len(header_length) <= len(str(total))
    if not digits or int(header_length) > total or not total:
        raise Refused(f"{HEADER_LENGTH} must be a number, at most the body's length, {total}")
    return int(header_length)


def parse(text: bytes, name: str) -> object:
    """Read JSON, unless it has so many parts that they would take many times its own memory, and seconds."""
    if text.count(b",") > MOST_PARTS:
        raise Refused(f"{name} has more than {MOST_PARTS:,} parts", 413, reason="too_large")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused(f"{name} is not JSON: {error}") from error


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(f"{name} must be a JSON object")
    return value


def _parameters(holder: dict[str, Any], name: str) -> dict[str, Any]:
    return _object(_optional(holder, "parameters", {}), f"{name}.parameters")


def _optional(holder: dict[str, Any], key: str, default: object) -> Any:  # noqa: ANN401  (it comes from JSON)
    """Return a field that need not be there; null is as good as absent."""
    value = holder.get(key)
    return default if value is None else value


def _count(parameters: dict[str, Any], key: str) -> int:
    value = _optional(parameters, key, 0)
    if type(value) is not int or value < 0:
        raise Refused(f"parameters.{key} must be a whole number, 0 or more")
    return value


def _flag(parameters: dict[str, Any], key: str, *, default: bool) -> bool:
    value = _optional(parameters, key, default)
    if not isinstance(value, bool):
        raise Refused(f"parameters.{key} must be true or false")
    return value


def _images(tensor: dict[str, Any], binary: memoryview) -> list[bytes]:
    if tensor.get("name") != "image" or tensor.get("datatype") != "BYTES":
        raise Refused("the input must be named 'image' and have datatype BYTES")
    count = _elements(tensor.get("shape"))
    size = _parameters(tensor, "inputs[0]").get("binary_data_size")
    return _from_json(tensor.get("data"), binary, count) if size is None else _from_binary(size, binary, count)


def _elements(shape: object) -> int:
    """Return how many elements a shape holds, which has one dimension, as the metadata says."""
    match shape:
        case [int(size)] if not isinstance(size, bool) and 0 < size <= MAX_IMAGES:
            return size
    raise Refused(f"shape must be [n] with n from 1 to {MAX_IMAGES}")


def _from_json(data: object, binary: memoryview, count: int) -> list[bytes]:
    if binary:
        raise Refused(f"{len(binary)} bytes follow the header; the input needs parameters.binary_data_size")
    if not isinstance(data, list):
        raise Refused("the input needs data, a list of base64 strings, or parameters.binary_data_size")
    flat = [item for row in data for item in (row if isinstance(row, list) else [row])]
    _check_count(len(flat), count)
    try:
        return [base64.b64decode(item, validate=True) for item in flat]
    except (binascii.Error, TypeError, ValueError) as error:
        raise Refused(f"data must be base64 strings: {error}") from error


def _from_binary(size: object, binary: memoryview, count: int) -> list[bytes]:
    if type(size) is not int or size != len(binary):
        raise Refused(f"binary_data_size must be the {len(binary)} bytes that follow the header, not {shown(size)}")
    try:
        images = split(binary, count)
    except ValueError as error:
        raise Refused(str(error)) from error
    _check_count(len(images), count)
    return images


def _check_count(found: int, count: int) -> None:
    if found != count:
        raise Refused(f"the shape says {count} images, the data holds another number")


def _wanted(document: dict[str, Any], parameters: dict[str, Any]) -> list[Wanted]:
    """Return the outputs asked for, in order; none named means all."""
    default = _flag(parameters, "binary_data_output", default=False)
    outputs = _optional(document, "outputs", [])
    if not isinstance(outputs, list) or len(outputs) > len(DATATYPES):  # a million of them would be a huge answer
        raise Refused(f"outputs must be a list of at most {len(DATATYPES)}")
    outputs = outputs or [{"name": name} for name in DATATYPES]
    return [_output(item, f"outputs[{number}]", default) for number, item in enumerate(outputs)]


def _output(item: object, where: str, default: bool) -> Wanted:  # noqa: FBT001
    output = _object(item, where)
    name, parameters = output.get("name"), _parameters(output, where)
    if not isinstance(name, str) or name not in DATATYPES:
        raise Refused(f"there is no output {shown(name)}; there are {', '.join(DATATYPES)}")
    classes = _count(parameters, "classification")
    if classes and (DATATYPES[name] != "FP32" or classes > CLASSES):
        raise Refused(f"parameters.classification goes from 1 to {CLASSES}, for outputs of datatype FP32")
    return Wanted(name, _flag(parameters, "binary_data", default=default), classes)
