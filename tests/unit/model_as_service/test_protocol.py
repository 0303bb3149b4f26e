"""The V2 codec: what is written can be read, and whatever arrives is parsed or refused in words."""

import base64
import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_as_service.protocol import HEADER_LENGTH, InferRequest, ProtocolError, parse, write

images = st.lists(st.binary(min_size=0, max_size=50), min_size=1, max_size=5)
TENSORS = {
    "label": np.array([["a", "b", "c", "d", "é"]], dtype=object),
    "score": np.array([[0.5, 0.25, 0.125, 0.0625, 0.03125]], dtype=np.float32),
    "index": np.array([[1, 2, 3, 4, 5]], dtype=np.int32),
}


def binary_request(contents: list[bytes], **more: object) -> tuple[bytes, str]:
    data = b"".join(struct.pack("<I", len(content)) + content for content in contents)
    tensor = {"name": "image", "shape": [len(contents)], "datatype": "BYTES"}
    header = json.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": len(data)}}], **more}).encode()
    return header + data, str(len(header))


def json_request(contents: list[bytes], **tensor: object) -> bytes:
    data = [base64.b64encode(content).decode() for content in contents]
    image = {"name": "image", "shape": [len(contents)], "datatype": "BYTES", "data": data}
    return json.dumps({"inputs": [image | tensor]}).encode()


@given(images)
def test_binary_and_json_carry_the_same_images(contents: list[bytes]) -> None:
    assert parse(*binary_request(contents)).images == contents
    assert parse(json_request(contents), None).images == contents


def test_all_outputs_as_json_unless_said_otherwise() -> None:
    assert parse(json_request([b"x"]), None).outputs == {"label": False, "score": False, "index": False}
    wanted = [{"name": "score", "parameters": {"binary_data": False}}, {"name": "label"}]
    request = parse(*binary_request([b"x"], outputs=wanted, parameters={"binary_data_output": True}, id="7"))
    assert (request.outputs, request.id) == ({"score": False, "label": True}, "7")


def test_an_answer_in_json() -> None:
    request = InferRequest("7", [b""], {"label": False, "score": False, "index": False})
    answer = write(request, TENSORS, model="m", version="1", provider="p")
    document = json.loads(answer.body)
    assert (document["id"], document["model_name"], document["model_version"]) == ("7", "m", "1")
    assert [(o["name"], o["datatype"], o["shape"], o["data"]) for o in document["outputs"]] == [
        ("label", "BYTES", [1, 5], ["a", "b", "c", "d", "é"]),
        ("score", "FP32", [1, 5], [0.5, 0.25, 0.125, 0.0625, 0.03125]),
        ("index", "INT32", [1, 5], [1, 2, 3, 4, 5]),
    ]


def test_an_answer_in_binary_has_its_tensors_in_order_behind_the_header() -> None:
    answer = write(
        InferRequest(None, [b""], {"index": True, "label": True}), TENSORS, model="m", version="1", provider="p"
    )
    size = int(answer.headers[HEADER_LENGTH])
    document, data = json.loads(answer.body[:size]), answer.body[size:]
    assert [o["parameters"]["binary_data_size"] for o in document["outputs"]] == [20, 26]
    assert data[:20] == struct.pack("<5i", 1, 2, 3, 4, 5)
    assert data[20:] == b"".join(struct.pack("<I", len(s)) + s for s in (b"a", b"b", b"c", b"d", "é".encode()))


BINARY, LENGTH = binary_request([b"abc"])


@pytest.mark.parametrize(
    ("body", "length", "words"),
    [
        (b"", None, "not JSON"),
        (b"[]", None, "JSON object"),
        (b'{"inputs": []}', None, "exactly one tensor"),
        (b'{"inputs": [3]}', None, "JSON object"),
        (json_request([b"x"], name="photo"), None, "named 'image'"),
        (json_request([b"x"], datatype="FP32"), None, "datatype BYTES"),
        (json_request([b"x"], shape=[2]), None, "shape says 2"),
        (json_request([b"x"], shape=[0]), None, "shape must be"),
        (json_request([b"x"], shape=[-1]), None, "shape must be"),
        (json_request([b"x"], shape=[10**9, 10**9]), None, "shape must be"),
        (json_request([b"x"], shape="1"), None, "shape must be"),
        (json_request([b"x"], data=["not base64!"]), None, "base64"),
        (json_request([b"x"], data=[5]), None, "base64"),
        (json_request([b"x"], data=None), None, "needs data"),
        (json_request([b"x"], parameters=[]), None, "JSON object"),
        (BINARY, "x", "must be a number"),
        (BINARY, "0", "must be a number"),
        (BINARY, "9" * 30, "must be a number"),
        (BINARY, "0" * 5000 + "1", "must be a number"),
        (*binary_request([b"x"], outputs=[{"name": []}]), "no output"),
        (*binary_request([b""] * 1000, id="many"), "shape must be"),
        (BINARY, None, "not JSON"),
        (BINARY[:-1], LENGTH, "binary_data_size"),
        (BINARY + b"z", LENGTH, "binary_data_size"),
        (BINARY[: int(LENGTH)] + struct.pack("<I", 400) + b"abc", LENGTH, "does not fit"),
        (*binary_request([b"x"], outputs=[{"name": "nothing"}]), "no output 'nothing'"),
        (*binary_request([b"x"], outputs=3), "outputs must be"),
        (*binary_request([b"x"], id=3), "id must be"),
    ],
)
def test_what_is_wrong_is_said(body: bytes, length: str | None, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        parse(body, length)


@given(st.data())
def test_damaged_requests_are_parsed_or_refused(data: st.DataObject) -> None:
    body = bytearray(BINARY)
    for _ in range(data.draw(st.integers(1, 6))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    length = data.draw(st.sampled_from([LENGTH, str(int(LENGTH) + 1), str(int(LENGTH) - 1), None, str(len(body))]))
    try:
        assert parse(bytes(body), length).images
    except ProtocolError as error:
        assert str(error)  # noqa: PT017
