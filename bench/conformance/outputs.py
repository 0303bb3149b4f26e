"""The outputs of an inference answer, read to the letter: JSON or binary, with counts that fit their shapes."""

import math
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.conformance.client import Answer, Missed, require, under
from bench.conformance.inputs import DATATYPES, DTYPES, FLOATS, is_shape

HEADER_LENGTH = "Inference-Header-Content-Length"
LENGTH_BYTES = 4
KINDS: dict[str, tuple[type, ...]] = {"BOOL": (bool,), "BYTES": (str,), **dict.fromkeys(FLOATS, (int, float))}


@dataclass(frozen=True)
class Output:
    """One output; `values` in row-major order, BYTES as bytes. `binary` says how it came."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Sequence[Any]
    binary: bool


def header(answer: Answer) -> dict[str, Any]:
    """Return the JSON object of an inference answer, alone or before binary data. Raises Missed."""
    return Answer(answer.status, answer.headers, answer.body[: header_length(answer)]).object()


def header_length(answer: Answer) -> int:
    """Return how long the JSON of an answer is: all of it, unless the header says less. Raises Missed."""
    told = answer.headers.get(HEADER_LENGTH.lower(), str(len(answer.body)))
    if not re.fullmatch("[0-9]{1,12}", told) or int(told) > len(answer.body):
        raise Missed(f"{HEADER_LENGTH} is {told!r} with a body of {len(answer.body)} bytes")
    return int(told)


def entries(answer: Answer) -> list[dict[str, Any]]:
    """Return the outputs of an answer as they stand in its JSON; each has a name. Raises Missed."""
    found = under(header(answer), "outputs", list)
    require(found, f"the answer has no outputs: {answer}")
    nameless = [entry for entry in found if not isinstance(entry, dict) or not isinstance(entry.get("name"), str)]
    if nameless:
        raise Missed(f"an output has no name: {str(nameless[0])[:80]}")
    return found


def read(answer: Answer) -> list[Output]:
    """Read all outputs of an answer. Raises Missed with the first thing that is not as the specification says."""
    rest = answer.body[header_length(answer) :]
    found = []
    for entry in entries(answer):
        output, rest = _output(entry, rest)
        found.append(output)
    require(not rest, f"{len(rest)} bytes are left behind the last output")
    return found


def shapes(answer: Answer) -> str:
    """Read all outputs of an answer and say what they are. Raises Missed."""
    return ", ".join(f"{each.name} {list(each.shape)}" for each in read(answer))


def _output(entry: dict[str, Any], rest: bytes) -> tuple[Output, bytes]:
    name, datatype, shape = entry["name"], entry.get("datatype"), entry.get("shape")
    if datatype not in DATATYPES:
        raise Missed(f"output {name} has datatype {datatype!r}")
    if not is_shape(shape, least=0):
        raise Missed(f"output {name} has shape {shape!r}")
    size = under(entry, "parameters", dict).get("binary_data_size")
    if size is None:
        values: Sequence[Any] = _from_json(name, datatype, entry.get("data"))
    elif type(size) is not int or not 0 <= size <= len(rest):
        raise Missed(f"output {name} has binary_data_size {size!r}, and {len(rest)} bytes follow")
    else:
        values, rest = _from_binary(name, datatype, rest[:size]), rest[size:]
    require(len(values) == math.prod(shape), f"output {name} has shape {shape} and {len(values)} elements")
    return Output(name, datatype, tuple(shape), values, size is not None), rest


def _from_json(name: str, datatype: str, data: object) -> list[Any]:
    if not isinstance(data, list):
        raise Missed(f"output {name} has no data")
    try:
        values = flat(data)
    except RecursionError as error:
        raise Missed(f"output {name} has lists within lists within lists") from error
    wrong = [value for value in values if type(value) not in KINDS.get(datatype, (int,))]
    if wrong:
        raise Missed(f"output {name} has datatype {datatype} and the element {str(wrong[0])[:40]!r}")
    return [value.encode() for value in values] if datatype == "BYTES" else values


def flat(data: list[Any]) -> list[Any]:
    """Return nested data in row-major order."""
    return [each for item in data for each in (flat(item) if isinstance(item, list) else [item])]


def _from_binary(name: str, datatype: str, data: bytes) -> Sequence[Any]:
    if datatype != "BYTES":
        kind = np.dtype(DTYPES[datatype])
        require(len(data) % kind.itemsize == 0, f"output {name} has datatype {datatype} and {len(data)} bytes")
        found: list[Any] = np.frombuffer(data, kind).tolist()
        return found
    values = []
    while data:
        length = struct.unpack_from("<I", data)[0] if len(data) >= LENGTH_BYTES else len(data)
        require(LENGTH_BYTES + length <= len(data), f"output {name} has an element that is longer than its data")
        values.append(data[LENGTH_BYTES : LENGTH_BYTES + length])
        data = data[LENGTH_BYTES + length :]
    return values
