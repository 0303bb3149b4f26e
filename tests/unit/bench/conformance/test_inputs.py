"""Inputs made from metadata, and outputs read back: the two sides must agree on every datatype."""

import base64
import io
import json

import pytest
from PIL import Image

from bench.conformance import outputs
from bench.conformance.client import Answer, Client, Missed
from bench.conformance.inputs import DATATYPES, Tensor, shape_of, small_photo
from bench.conformance.outputs import HEADER_LENGTH, read
from bench.conformance.subject import Subject


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


BIG = 10**10


@pytest.mark.parametrize(
    "inputs",
    [
        [("FP32", [BIG])],
        [("BYTES", [-1, 100_000, 100_000])],
        [("UINT8", [1, 2**30])],
        [("FP64", [0, 2**62])],
        [("FP32", [1_000_000])] * 200,
        [("FP32", [1]), ("INT8", [BIG, BIG, BIG])],
    ],
)
def test_inputs_that_nobody_would_send_to_try_a_server_are_not_made(inputs: list[tuple[str, list[int]]]) -> None:
    told = [{"name": f"i{at}", "datatype": kind, "shape": shape} for at, (kind, shape) in enumerate(inputs)]
    subject = Subject(Client("http://127.0.0.1:1", seconds=1), "m", None, b"x" * 1000, {}, {"inputs": told})
    for ask in (subject.inputs, subject.infer, subject.binary):
        with pytest.raises(Missed, match="its inputs are too large to ask: more than 64 MB"):
            ask()


@pytest.mark.parametrize("shape", [[1] * 33, [1] * 100_000, [BIG] * 100_000])
def test_no_tensor_has_so_many_dimensions(shape: list[int]) -> None:
    told = {"inputs": [{"name": "i", "datatype": "FP32", "shape": shape}]}
    with pytest.raises(Missed, match="no proper inputs"):
        Subject(Client("http://127.0.0.1:1", seconds=1), "m", None, b"", {}, told).inputs()


def test_an_ordinary_photo_as_numbers_is_not_too_large() -> None:
    told = {"inputs": [{"name": "i", "datatype": "FP32", "shape": [-1, 3, 1080, 1920]}]}
    [tensor] = Subject(Client("http://127.0.0.1:1", seconds=1), "m", None, b"", {}, told).inputs()
    assert tensor.shape == (1, 3, 1080, 1920)


def test_an_output_of_lists_within_lists_is_told() -> None:
    data: list[object] = []
    for _ in range(5000):
        data = [data]
    with pytest.raises(Missed, match="lists within lists"):
        outputs._from_json("y", "FP32", data)
