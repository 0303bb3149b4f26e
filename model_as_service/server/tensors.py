"""The tensors of our models, as the protocol describes them, and how their elements look as bytes."""

import struct
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision.classifier import TOP

LABEL, SCORE, INDEX, PROBABILITIES = "label", "score", "index", "probabilities"
CLASSES = 1000
MAX_IMAGES = 32

INPUTS = [{"name": "image", "datatype": "BYTES", "shape": [-1]}]
OUTPUTS = [
    {"name": LABEL, "datatype": "BYTES", "shape": [-1, TOP]},
    {"name": SCORE, "datatype": "FP32", "shape": [-1, TOP]},
    {"name": INDEX, "datatype": "INT32", "shape": [-1, TOP]},
    {"name": PROBABILITIES, "datatype": "FP32", "shape": [-1, CLASSES]},
]
DATATYPES = {str(output["name"]): str(output["datatype"]) for output in OUTPUTS}
_NUMPY = {"FP32": "<f4", "INT32": "<i4"}


def raw(elements: Iterable[Any] | NDArray[Any], datatype: str) -> bytes:
    """Return a tensor as the binary extension wants it: little-endian; of BYTES each element after its length."""
    if datatype == "BYTES":
        texts = [str(element).encode() for element in elements]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return np.asarray(elements, dtype=_NUMPY[datatype]).tobytes()


def split(data: memoryview, count: int) -> list[bytes]:
    """Return the elements of a BYTES tensor; raises ValueError in words where it is not made of `count` elements."""
    elements: list[bytes] = []
    at, size = 0, len(data)
    while at < size and len(elements) <= count:  # one too many is enough to refuse them
        if at + 4 > size:
            raise ValueError("the binary data ends within the length of an element")
        (length,) = struct.unpack_from("<I", data, at)
        if at + 4 + length > size:
            raise ValueError(f"an element of {length} bytes does not fit into the binary data")
        elements.append(bytes(data[at + 4 : at + 4 + length]))
        at += 4 + length
    return elements
