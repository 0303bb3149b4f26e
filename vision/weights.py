"""Trained weights out of an installed package, without PyTorch: the bottom of `vision.build`.

The packages hold PyTorch's first file format (`torch.serialization._legacy_load`): five pickles, then the raw numbers.

    magic | protocol | machine | state dict of tensors | storage keys | for each key: count (int64), numbers

A pickle can run any code on loading, so this one is read by an unpickler that knows four names and refuses the rest.
"""

import hashlib
import io
import pickle
import struct
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vision.errors import ModelError

Weights = Mapping[str, NDArray[Any]]


class _Storage(NamedTuple):
    """A flat run of numbers that follows the pickles; tensors are views of it."""

    dtype: np.dtype[Any]
    key: str


class _Tensor(NamedTuple):
    """The arguments of `torch._utils._rebuild_tensor_v2`; `offset` and `strides` count numbers, not bytes."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    requires_grad: bool
    hooks: object


_KNOWN = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
}


class _TensorUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"refused to load {module}.{name}")
        return _KNOWN[module, name]

    def persistent_load(self, pid: tuple[str, np.dtype[Any], str, str, int, None]) -> _Storage:
        _, dtype, key, *_ = pid
        return _Storage(dtype, key)


def read_weights(path: Path, sha256: str) -> Weights:
    """Read a `.pth` file whose SHA-256 is known; raise `ModelError` where it is missing or not that file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the weights: {error}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelError(f"{path} is not the file we know: its SHA-256 is {found}, not {sha256}; install it again")
    return parse_weights(data)


def parse_weights(data: bytes) -> Weights:
    """Return the tensors by name; raise `pickle.UnpicklingError` where the file asks for anything but tensors."""
    stream = io.BytesIO(data)
    _magic, _protocol, _machine, tensors, keys = (_TensorUnpickler(stream).load() for _ in range(5))
    dtypes = {tensor.storage.key: tensor.storage.dtype for tensor in tensors.values()}
    storages = {key: _read_storage(stream, dtypes[key]) for key in keys}
    return {name: _view(tensor, storages[tensor.storage.key]) for name, tensor in tensors.items()}


def _read_storage(stream: io.BytesIO, dtype: np.dtype[Any]) -> bytes:
    (count,) = struct.unpack("<q", stream.read(8))
    return stream.read(count * dtype.itemsize)


def _view(tensor: _Tensor, storage: bytes) -> NDArray[Any]:
    # Unlike `as_strided`, this constructor refuses a view that would leave the buffer.
    dtype = tensor.storage.dtype
    strides = [step * dtype.itemsize for step in tensor.strides]
    return np.ndarray(tensor.shape, dtype, storage, tensor.offset * dtype.itemsize, strides)
