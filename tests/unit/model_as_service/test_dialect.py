"""What is agreed with a server, the question it is asked, and its answer read back."""

import base64
import json
import struct
from dataclasses import replace
from typing import Any

import pytest

from model_as_service.dialect import HEADER_LENGTH, Dialect, NotUnderstood, agreed, read

BYTES = Dialect(binary=True, image="image", label="label", score="score")
JSON = replace(BYTES, binary=False)
OTHER = Dialect(binary=False, image="photo", label="class", score="p")
IMAGE = b"\xff\xd8 a photo"


def tensor(name: str, datatype: str) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [-1]}


OURS = {
    "inputs": [tensor("image", "BYTES")],
    "outputs": [tensor("label", "BYTES"), tensor("score", "FP32"), tensor("probabilities", "FP32")],
}


@pytest.mark.parametrize(
    ("server", "model", "dialect"),
    [
        ({"extensions": ["statistics", "binary_tensor_data"]}, OURS, BYTES),
        ({"extensions": []}, OURS, JSON),
        ({"extensions": None}, OURS, JSON),
        ({}, {}, JSON),  # it describes nothing: the usual names
        (
            {},
            {"inputs": [tensor("photo", "BYTES")], "outputs": [tensor("p", "FP64"), tensor("class", "BYTES")]},
            OTHER,
        ),
    ],
)
def test_what_is_agreed(server: dict[str, Any], model: dict[str, Any], dialect: Dialect) -> None:
    assert agreed(server, model) == dialect


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (OURS | {"inputs": [tensor("image", "BYTES"), tensor("size", "INT32")]}, "2 inputs"),
        (OURS | {"inputs": [tensor("image", "FP32")]}, "no image: image FP32"),
        (OURS | {"outputs": [tensor("a", "BYTES"), tensor("b", "BYTES"), tensor("score", "FP32")]}, "no label"),
        (OURS | {"outputs": [tensor("label", "BYTES")]}, "no score: label BYTES"),
    ],
)
def test_a_model_of_another_kind(model: dict[str, Any], words: str) -> None:
    with pytest.raises(NotUnderstood, match=words):
        agreed({}, model)


def test_the_question_as_bytes() -> None:
    body, headers = BYTES.request(IMAGE)
    size = int(headers[HEADER_LENGTH])
    [entry] = json.loads(body[:size])["inputs"]
    assert entry == {
        "name": "image", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 4 + len(IMAGE)},
    }  # fmt: skip
    assert body[size:] == struct.pack("<I", len(IMAGE)) + IMAGE


def test_the_question_as_json() -> None:
    body, headers = OTHER.request(IMAGE)
    assert headers == {"Content-Type": "application/json"}
    document = json.loads(body)
    assert base64.b64decode(document["inputs"][0]["data"][0]) == IMAGE
    assert document["inputs"][0]["parameters"] == {"content_type": "base64"}
    assert (document["inputs"][0]["name"], document["outputs"]) == ("photo", [{"name": "class"}, {"name": "p"}])


def outputs(label: dict[str, Any], score: dict[str, Any], data: bytes = b"") -> tuple[dict[str, str], bytes]:
    both = [{"name": "label", "datatype": "BYTES", **label}, {"name": "score", "datatype": "FP32", **score}]
    text = json.dumps({"outputs": both}).encode()
    return ({HEADER_LENGTH.lower(): str(len(text))} if data else {}), text + data


ENCODED = base64.b64encode("é".encode()).decode()
AS_BYTES = struct.pack("<I", 2) + "é".encode() + struct.pack("<I", 1) + b"b"
SIZE = {"parameters": {"binary_data_size": len(AS_BYTES)}}


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        outputs({"data": ["é", "b"]}, {"data": [0.5, 0.25]}),
        outputs({"data": [["é", "b"]]}, {"data": [[0.5], [0.25]]}),
        outputs({"data": [ENCODED, "Yg=="], "parameters": {"content_type": "base64"}}, {"data": [0.5, 0.25]}),
        outputs({"data": ["é", "b"], "parameters": None}, {"data": [0.5, 0.25], "parameters": {"x": 1}}),
        outputs(SIZE, {"data": [0.5, 0.25]}, AS_BYTES),
        outputs(SIZE, {"parameters": {"binary_data_size": 8}}, AS_BYTES + struct.pack("<2f", 0.5, 0.25)),
        outputs(
            SIZE, {"datatype": "FP16", "parameters": {"binary_data_size": 4}}, AS_BYTES + struct.pack("<2e", 0.5, 0.25)
        ),
    ],
    ids=["flat", "nested", "base64", "other parameters", "labels as bytes", "all as bytes", "half precision"],
)
def test_answers_are_read_alike(headers: dict[str, str], body: bytes) -> None:
    assert JSON.scored(read(headers, body)) == [("é", 0.5), ("b", 0.25)]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b""),
        ({}, b"[]"),
        ({}, b"<html>"),
        ({HEADER_LENGTH.lower(): "x"}, b"{}"),
        ({HEADER_LENGTH.lower(): "2"}, b"{}"),
        outputs({"parameters": {"binary_data_size": 3}}, {"data": [1.0]}, b"\0\0\0"),
        outputs({"data": ["a"]}, {"parameters": {"binary_data_size": 3}}, b"\0\0\0"),
        outputs({"data": ["a"]}, {"parameters": {"binary_data_size": "3"}}, b"\0\0\0"),
        outputs({"parameters": {"binary_data_size": 5}}, {"data": [1.0]}, struct.pack("<I", 9) + b"a"),
        outputs({"parameters": {"binary_data_size": 50}}, {"data": [1.0]}, struct.pack("<I", 1) + b"a"),
        outputs({"data": ["a", "b"]}, {"data": [0.5]}),
        outputs({"data": []}, {"data": []}),
        outputs({"data": None}, {"data": [0.5]}),
        outputs({"data": ["a"]}, {"data": ["much"]}),
        outputs({"data": ["!"], "parameters": {"content_type": "base64"}}, {"data": [0.5]}),
        ({}, b'{"outputs": [{"name": "label", "data": ["a"]}]}'),
        ({}, b'{"outputs": 5}'),
    ],
)
def test_what_is_no_answer(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(NotUnderstood, match=r"^it"):
        JSON.scored(read(headers, body))
