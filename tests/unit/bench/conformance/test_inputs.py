"""Inputs made from metadata, and outputs read back: the two sides must agree on every datatype."""

import base64
import io
import json

import pytest
from PIL import Image

from bench.conformance.client import Answer, Missed
from bench.conformance.inputs import DATATYPES, Tensor, shape_of, small_photo
from bench.conformance.outputs import HEADER_LENGTH, read


@pytest.mark.parametrize("datatype", DATATYPES)
def test_what_is_sent_can_be_read_back_as_json_and_as_bytes(datatype: str) -> None:
    tensor = Tensor("x", datatype, shape_of([-1, 3, -1], rows=2), b"\xff\0")
    assert tensor.shape == (2, 3, 1)
    entry, data = tensor.as_binary()
    text = json.dumps({"outputs": [entry]}).encode()
    [binary] = read(Answer(200, {HEADER_LENGTH.lower(): str(len(text))}, text + data))
    assert binary.values == [b"\xff\0" if datatype == "BYTES" else 0] * 6
    for nested in (False, True):
        [plain] = read(Answer(200, {}, json.dumps({"outputs": [tensor.as_json(nested=nested)]}).encode()))
        assert (plain.shape, plain.datatype) == (binary.shape, binary.datatype)
        assert plain.values == ([base64.b64encode(b"\xff\0")] * 6 if datatype == "BYTES" else binary.values)


def test_nested_data_has_the_shape() -> None:
    tensor = Tensor("x", "INT32", (1, 2, 2), b"")
    assert tensor.as_json(nested=True)["data"] == [[[0, 0], [0, 0]]]
    assert tensor.as_json()["data"] == [0, 0, 0, 0]


def test_bytes_in_json_say_that_they_are_base64() -> None:
    assert Tensor("x", "BYTES", (1,), b"a").as_json()["parameters"] == {"content_type": "base64"}
    assert "parameters" not in Tensor("x", "FP32", (1,), b"").as_json()


def test_the_photo_is_one() -> None:
    with Image.open(io.BytesIO(small_photo())) as photo:
        assert (photo.format, photo.mode) == ("JPEG", "RGB")
        assert len(set(photo.get_flattened_data())) > 100


RIGHT = {"name": "y", "datatype": "FP32", "shape": [1], "data": [1.5]}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (5, "no name"),
        ({**RIGHT, "name": None}, "no name"),
        ({**RIGHT, "datatype": "FLOAT"}, "datatype 'FLOAT'"),
        ({**RIGHT, "shape": None}, "shape None"),
        ({**RIGHT, "shape": [-1]}, "shape"),
        ({**RIGHT, "shape": [True]}, "shape"),
        ({**RIGHT, "data": None}, "no data"),
        ({**RIGHT, "data": [1.5, 2]}, "2 elements"),
        ({**RIGHT, "data": ["1.5"]}, "'1.5'"),
        ({**RIGHT, "datatype": "INT8"}, "INT8 and the element '1.5'"),
        ({**RIGHT, "datatype": "BOOL", "data": [1]}, "BOOL"),
        ({**RIGHT, "datatype": "INT8", "data": [True]}, "INT8"),
        ({**RIGHT, "parameters": {"binary_data_size": 4}}, "0 bytes follow"),
        ({**RIGHT, "parameters": {"binary_data_size": "4"}}, "binary_data_size '4'"),
    ],
)
def test_an_output_that_is_not_right_is_told(entry: object, words: str) -> None:
    with pytest.raises(Missed, match=words.replace("[", r"\[")):
        read(Answer(200, {}, json.dumps({"outputs": [entry]}).encode()))


@pytest.mark.parametrize(
    ("datatype", "size", "data", "words"),
    [
        ("FP32", 4, b"\0\0\0\0\0", "1 bytes are left"),
        ("FP32", 3, b"\0\0\0", "3 bytes"),
        ("BYTES", 6, b"\x05\0\0\0ab", "longer than its data"),
        ("BYTES", 3, b"\0\0\0", "longer than its data"),
        ("BYTES", 10, b"\x01\0\0\0a\x01\0\0\0b", "2 elements"),
    ],
)
def test_bytes_that_are_not_right_are_told(datatype: str, size: int, data: bytes, words: str) -> None:
    entry = {"name": "y", "datatype": datatype, "shape": [1], "parameters": {"binary_data_size": size}}
    text = json.dumps({"outputs": [entry]}).encode()
    with pytest.raises(Missed, match=words):
        read(Answer(200, {HEADER_LENGTH.lower(): str(len(text))}, text + data))


@pytest.mark.parametrize("length", ["", "x", "-1", "9999", "9" * 5000])
def test_a_header_length_that_is_none_is_told(length: str) -> None:
    with pytest.raises(Missed, match=HEADER_LENGTH):
        read(Answer(200, {HEADER_LENGTH.lower(): length}, json.dumps({"outputs": [RIGHT]}).encode()))
