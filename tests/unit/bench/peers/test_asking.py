"""The bytes of each kind of request, read back by independent parsers, and what is read from answers."""

import base64
import json
import pkgutil
from dataclasses import replace
from email import message_from_bytes
from email.policy import HTTP
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.client import Answer
from bench.peers.asking import JUDGE, Message, Photo, first_label, judge, request_for, targets
from bench.peers.peer import HERE, Peer, Request, load

PEER = load(HERE / "fastapi")
JPEG = b"\xff\xd8\xff\xe0 not all of a photo \r\n--"
V2 = {"model_name": "m", "outputs": [{"name": "score", "data": [0.5]}, {"name": "label", "data": ["tabby", "lynx"]}]}


def asked(kind: str) -> Peer:
    return replace(PEER, request=Request(kind, "/v2/models/{model}/infer"))


def form_of(message: Message) -> list[tuple[str | None, bytes]]:
    head = f"Content-Type: {message.headers['Content-Type']}\r\n\r\n".encode()
    parsed = message_from_bytes(head + message.body, policy=HTTP)
    return [
        (str(part.get_param("name", header="content-disposition")), bytes(part.get_payload(decode=True)))
        for part in parsed.iter_parts()
    ]


@given(st.binary())
def test_a_binary_tensor_is_its_header_its_length_and_the_photo(image: bytes):
    message = request_for(asked("v2-binary"), image)
    length = int(message.headers["Inference-Header-Content-Length"])
    header, tensor = json.loads(message.body[:length]), message.body[length:]
    (described,) = header["inputs"]
    assert (described["name"], described["datatype"], described["shape"]) == ("image", "BYTES", [1])
    assert described["parameters"]["binary_data_size"] == len(tensor)
    assert int.from_bytes(tensor[:4], "little") == len(image)
    assert tensor[4:] == image
    assert [output["name"] for output in header["outputs"]] == ["label", "score"]
    assert message.headers["Content-Type"] == "application/octet-stream"


@given(st.binary())
def test_in_json_the_photo_is_base64_and_says_so(image: bytes):
    message = request_for(asked("v2-json"), image)
    (described,) = json.loads(message.body)["inputs"]
    assert described["parameters"] == {"content_type": "base64"}
    assert [base64.b64decode(each, validate=True) for each in described["data"]] == [image]
    assert message.headers == {"Content-Type": "application/json"}


def test_a_raw_request_is_the_photo():
    message = request_for(asked("raw"), JPEG)
    assert (message.body, message.headers) == (JPEG, {"Content-Type": "image/jpeg"})


def test_a_form_has_the_photo_as_its_only_file():
    assert form_of(request_for(asked("multipart"), JPEG)) == [("image", JPEG)]


@pytest.mark.parametrize("kind", ["v2-binary", "v2-json", "raw", "multipart"])
def test_a_request_names_the_model_and_the_deadline_in_milliseconds(kind: str):
    message = request_for(asked(kind), JPEG, model="no-op", deadline_ms=199.6)
    assert message.path == "/v2/models/no-op/infer"
    assert message.headers["X-Request-Timeout-Ms"] == "200"
    plain = request_for(asked(kind), JPEG)
    assert plain.path == "/v2/models/efficientnet-lite/infer"
    assert "X-Request-Timeout-Ms" not in plain.headers
    assert plain.body == message.body


@pytest.mark.parametrize("data", [["tabby", "lynx"], [["tabby", "lynx"]]], ids=["flat", "nested"])
def test_the_first_label_of_a_tensor_is_read_flat_or_nested(data: list[object]):
    body = json.dumps({"outputs": [V2["outputs"][0], {"name": "label", "data": data}]}).encode()
    assert first_label(asked("v2-json"), body) == first_label(asked("v2-binary"), body) == "tabby"


def test_the_first_label_of_the_others_is_the_first_in_their_list():
    body = b'{"labels": [{"label": "tabby", "score": 0.5}, {"label": "lynx", "score": 0.1}]}'
    assert first_label(asked("raw"), body) == first_label(asked("multipart"), body) == "tabby"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xff", b"null", b"[]", b'{"labels": []}', b'{"labels": [{}]}', b'{"labels": [{"label": 3}]}',
        b'{"outputs": []}', b'{"outputs": [{"name": "label", "data": []}]}',
        b'{"outputs": [{"name": "label", "data": [3]}]}',
        b'{"outputs": [{"name": "label", "data": ["a"]}, {"name": "label", "data": ["b"]}]}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["v2-json", "raw"])
def test_an_answer_without_a_label_is_said(kind: str, body: bytes):
    with pytest.raises(ValueError, match="fastapi gave no label"):
        first_label(asked(kind), body)


@pytest.mark.parametrize("depth", [100, 900, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
@pytest.mark.parametrize(
    "around", ["%s", '{"labels": [{"label": %s}]}', '{"outputs": [{"name": "label", "data": %s}]}']
)
@pytest.mark.parametrize("kind", ["v2-json", "raw"])
def test_however_deep_an_answer_is_nested_that_is_said_and_judged_an_error(
    kind: str, around: str, opening: str, closing: str, depth: int
):
    body = (around % (opening * depth + "3" + closing * depth)).encode()
    with pytest.raises(ValueError, match="fastapi gave no label") as wrong:
        first_label(asked(kind), body)
    assert len(str(wrong.value)) < 500
    (target,) = targets(PEER, [Photo("a.jpg", JPEG, "tabby")], "no-op")
    assert judge("fastapi")("inference", Answer(0, 200, b"", body), target).outcome == "error"


def test_a_peer_that_is_asked_reads_the_same_photo(tmp_path: Path):
    """Every kind carries the same bytes, so no peer gets an easier photo than another."""
    bodies = {kind: request_for(asked(kind), JPEG).body for kind in ("v2-binary", "raw", "multipart")}
    assert all(JPEG in body for body in bodies.values())


@pytest.mark.parametrize(
    ("status", "label", "outcome"),
    [(200, "tabby", "ok"), (200, "lynx", "wrong"), (200, None, "error"), (500, "tabby", "error"),
     (429, "tabby", "refused"), (503, "tabby", "refused")],
)  # fmt: skip
def test_an_answer_is_judged_by_its_first_label_and_by_a_name_that_a_plan_can_say(
    status: int, label: str | None, outcome: str
):
    (target,) = targets(PEER, [Photo("a.jpg", JPEG, "tabby")], "no-op")
    body = json.dumps({"labels": [{"label": label}]}).encode()
    by_name = pkgutil.resolve_name(JUDGE)
    assert by_name is judge
    assert by_name("fastapi")("inference", Answer(0, status, b"", body), target).outcome == outcome
