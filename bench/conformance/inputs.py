"""Inputs that any model can take, made from its metadata: zeros, and for BYTES a small real photo."""

import base64
import io
import math
import struct
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np

# The types of the specification, and BF16, which Triton adds; NumPy has none of its own, and zeros look the same.
DTYPES = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8",
    "INT8": "i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8",
    "FP16": "<f2", "BF16": "<u2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
FLOATS = ("FP16", "BF16", "FP32", "FP64")
DATATYPES = (*DTYPES, "BYTES")
MOST_DIMENSIONS = 32  # NumPy has no more than 64, and some wrong requests add one
SIDE = 64  # pixels of the photo


@dataclass(frozen=True)
class Tensor:
    """One input of the model; every element of BYTES is `content`, every other one is zero."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    content: bytes

    @property
    def weight(self) -> int:
        """Return about how many bytes it takes in a request, JSON or not, without making it; a size of 0 hides none."""
        each = 8 if self.datatype != "BYTES" else len(self.content) * 4 // 3 + 8
        return each * math.prod(max(1, size) for size in self.shape)

    def as_json(self, *, nested: bool = False) -> dict[str, Any]:
        """Return it as an input of a JSON request. JSON cannot hold a photo, so BYTES go as base64, and say so."""
        if self.datatype == "BYTES":
            values = np.full(self.shape, base64.b64encode(self.content).decode(), dtype=object)
        else:
            values = np.zeros(self.shape, dtype="<f8" if self.datatype == "BF16" else DTYPES[self.datatype])
        data = values.tolist() if nested else values.reshape(-1).tolist()
        hint = {"parameters": {"content_type": "base64"}} if self.datatype == "BYTES" else {}
        return {"name": self.name, "shape": list(self.shape), "datatype": self.datatype, **hint, "data": data}

    def as_binary(self) -> tuple[dict[str, Any], bytes]:
        """Return it as an input of a binary request: the entry of the JSON header, and the bytes behind it."""
        count = math.prod(self.shape)
        if self.datatype == "BYTES":
            data = (struct.pack("<I", len(self.content)) + self.content) * count
        else:
            data = bytes(count * np.dtype(DTYPES[self.datatype]).itemsize)
        entry = {"name": self.name, "shape": list(self.shape), "datatype": self.datatype}
        return {**entry, "parameters": {"binary_data_size": len(data)}}, data


def shape_of(declared: list[int], rows: int) -> tuple[int, ...]:
    """Return a shape that fits the declared one: -1 becomes 1, and `rows` where it is the first."""
    return tuple(size if size >= 0 else rows if place == 0 else 1 for place, size in enumerate(declared))


def is_shape(value: object, *, least: int) -> TypeGuard[list[int]]:
    """Whether this is a list of sizes, none below the least one, of no more dimensions than any tensor has."""
    return (
        isinstance(value, list)
        and len(value) <= MOST_DIMENSIONS
        and all(type(size) is int and size >= least for size in value)
    )


def small_photo() -> bytes:
    """Return a JPEG of many colours."""
    from PIL import Image

    ramp = Image.linear_gradient("L").resize((SIDE, SIDE))
    file = io.BytesIO()
    Image.merge("RGB", (ramp.rotate(90), ramp, Image.new("L", ramp.size, 90))).save(file, "JPEG")
    return file.getvalue()
