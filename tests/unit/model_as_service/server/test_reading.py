"""The V2 codec: whatever arrives is read, or refused in words."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_as_service.server.lanes import BULK, INTERACTIVE
from model_as_service.server.reading import ALL_BINARY, MOST_ID, MOST_PARTS, Wanted, read
from model_as_service.server.refused import Refused
from model_as_service.server.tensors import MAX_IMAGES
from tests.unit.model_as_service.server.messages import binary_request, elements, json_request

images = st.lists(st.binary(max_size=50), min_size=1, max_size=MAX_IMAGES)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
BINARY, LENGTH = binary_request([b"abc"])


@given(images)
def test_binary_and_json_carry_the_same_images(contents: list[bytes]) -> None:
    assert read(*binary_request(contents)) == read(*json_request(contents))
    assert read(*binary_request(contents)).images == contents


@given(st.binary(min_size=1, max_size=50))
def test_a_raw_binary_request_is_one_photo_and_wants_all_outputs_as_bytes(content: bytes) -> None:
    request = read(content, "0")
    assert (request.images, request.wanted) == ([content], ALL_BINARY)


def test_data_may_be_nested() -> None:
    nested, _ = json_request([b"a", b"b"], data=[["YQ=="], ["Yg=="]])
    assert read(nested, None).images == [b"a", b"b"]


def test_all_outputs_as_json_unless_said_otherwise() -> None:
    everything = [Wanted(name) for name in ("label", "score", "index", "probabilities")]
    assert read(*json_request([b"x"])).wanted == everything
    assert read(*json_request([b"x"], {"outputs": []})).wanted == everything
    binary = read(*json_request([b"x"], {"parameters": {"binary_data_output": True}}))
    assert all(wanted.binary for wanted in binary.wanted)


def test_an_output_says_its_own_form_and_the_request_says_that_of_the_others() -> None:
    outputs = [
        {"name": "score", "parameters": {"binary_data": False}},
        {"name": "label"},
        {"name": "probabilities", "parameters": {"classification": 3}},
    ]
    request = read(*binary_request([b"x"], outputs=outputs, parameters={"binary_data_output": True}, id="7"))
    assert request.id == "7"
    assert request.wanted == [
        Wanted("score"),
        Wanted("label", binary=True),
        Wanted("probabilities", binary=True, classes=3),
    ]


@pytest.mark.parametrize(
    ("parameters", "timeout_s", "lane"),
    [
        ({}, None, INTERACTIVE),
        ({"timeout": 0, "priority": 0}, None, INTERACTIVE),
        ({"timeout": 1500, "priority": 1}, 0.0015, INTERACTIVE),
        ({"timeout": 2_000_000, "priority": 2}, 2.0, BULK),
        ({"somebody_elses": {"value": 1}}, None, INTERACTIVE),
    ],
)
def test_a_timeout_is_in_microseconds_and_priority_one_is_the_highest(
    parameters: dict[str, object], timeout_s: float | None, lane: int
) -> None:
    request = read(*json_request([b"x"], {"parameters": parameters}))
    assert (request.timeout_s, request.lane) == (timeout_s, lane)


NOTHING = {"parameters": None, "outputs": None, "id": None}
WISHES = ("timeout", "priority", "binary_data_output")


@pytest.mark.parametrize(
    ("more", "tensor"),
    [
        (NOTHING, {"parameters": None}),
        ({"parameters": dict.fromkeys(WISHES)}, {"parameters": {"binary_data_size": None}}),
    ],
)
def test_null_is_as_good_as_absent(more: dict[str, object], tensor: dict[str, object]) -> None:
    assert read(*json_request([b"x"], more, **tensor)) == read(*json_request([b"x"]))


def test_null_is_as_good_as_absent_in_an_output() -> None:
    for parameters in (None, {"classification": None, "binary_data": None}):
        output = {"name": "score", "parameters": parameters}
        assert read(*json_request([b"x"], {"outputs": [output]})).wanted == [Wanted("score")]


@pytest.mark.parametrize(
    ("body", "length", "words"),
    [
        (b"", None, "not JSON"),
        (b"", "0", "must be a number"),
        (b"[]", None, "JSON object"),
        (b"{}", None, "exactly one tensor"),
        (b'{"inputs": []}', None, "exactly one tensor"),
        (b'{"inputs": [{}, {}]}', None, "exactly one tensor"),
        (b'{"inputs": [3]}', None, "JSON object"),
        (b'{"inputs": ' + b"[" * 100_000, None, "not JSON"),
        (*json_request([b"x"], name="photo"), "named 'image'"),
        (*json_request([b"x"], datatype="FP32"), "datatype BYTES"),
        (*json_request([b"x"], shape=[2]), "shape says 2"),
        (*json_request([b"x", b"y"], shape=[1]), "shape says 1"),
        (*json_request([b"x"], shape=[0]), "shape must be"),
        (*json_request([b"x"], shape=[]), "shape must be"),
        (*json_request([b"x"], shape=[-1]), "shape must be"),
        (*json_request([b"x"], shape=[True]), "shape must be"),
        (*json_request([b"x"], shape=[1.0]), "shape must be"),
        (*json_request([b"x"], shape=[1, 1]), "shape must be"),
        (*json_request([b"x"], shape=[1] * 9000), "shape must be"),
        (*json_request([b"x"], shape="1"), "shape must be"),
        (*json_request([b"x"] * (MAX_IMAGES + 1)), "shape must be"),
        (*json_request([b"x"], data=["not base64!"]), "base64"),
        (*json_request([b"x"], data=["é"]), "base64"),
        (*json_request([b"x"], data=[5]), "base64"),
        (*json_request([b"x"], data=[[["eA=="]]]), "base64"),
        (*json_request([b"x"], data=None), "needs data"),
        (*json_request([b"x"], parameters=[]), "JSON object"),
        (*json_request([b"x"], {"parameters": 3}), "JSON object"),
        (*json_request([b"x"], {"parameters": {"timeout": -1}}), "whole number"),
        (*json_request([b"x"], {"parameters": {"timeout": True}}), "whole number"),
        (*json_request([b"x"], {"parameters": {"timeout": 10**30}}), "whole number"),
        (*json_request([b"x"], {"parameters": {"priority": "1"}}), "whole number"),
        (*json_request([b"x"], {"parameters": {"binary_data_output": 1}}), "true or false"),
        (*json_request([b"x"], {"outputs": [{"name": []}]}), "no output"),
        (*json_request([b"x"], {"outputs": [{"name": "nothing"}]}), "no output 'nothing'"),
        (*json_request([b"x"], {"outputs": [3]}), "JSON object"),
        (*json_request([b"x"], {"outputs": 3}), "outputs must be"),
        (*json_request([b"x"], {"outputs": 0}), "outputs must be"),
        (*json_request([b"x"], {"outputs": {}}), "outputs must be"),
        (*json_request([b"x"], {"outputs": ""}), "outputs must be"),
        (*json_request([b"x"], {"outputs": [{"name": "score"}] * 5}), "outputs must be"),
        (*json_request([b"x"], {"outputs": [{"name": "score", "parameters": {"classification": 1001}}]}), "1 to 1000"),
        (*json_request([b"x"], {"outputs": [{"name": "label", "parameters": {"classification": 1}}]}), "FP32"),
        (*json_request([b"x"], {"outputs": [{"name": "label", "parameters": {"binary_data": "no"}}]}), "true or false"),
        (*json_request([b"x"], {"id": 3}), "id must be"),
        (BINARY, "x", "must be a number"),
        (BINARY, "-1", "must be a number"),
        (BINARY, "+5", "must be a number"),
        (BINARY, "²", "must be a number"),
        (BINARY, "", "must be a number"),
        (BINARY, str(len(BINARY) + 1), "must be a number"),
        (BINARY, "9" * 30, "must be a number"),
        (BINARY, "0" * 5000 + "1", "must be a number"),
        (BINARY, None, "not JSON"),
        (BINARY[:-1], LENGTH, "binary_data_size"),
        (BINARY + b"z", LENGTH, "binary_data_size"),
        (json_request([b"x"])[0] + b"more", str(len(json_request([b"x"])[0])), "4 bytes follow"),
        (BINARY[: int(LENGTH)] + struct.pack("<I", 400) + b"abc", LENGTH, "does not fit"),
        (BINARY[: int(LENGTH)] + struct.pack("<I", 0) + b"abc", LENGTH, "within the length"),
        (*binary_request([b""] * 1000, id="many"), "shape must be"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(body: bytes, length: str | None, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        read(body, length)
    assert (refused.value.status, refused.value.retry_after) == (400, None)


LONG = "\u0080" * 100_000


@pytest.mark.parametrize(
    "more",
    [
        {"outputs": [{"name": LONG}]},
        {"outputs": [{"name": [[LONG]]}]},
        {"outputs": [{"name": {LONG: LONG}}]},
        {"outputs": [{"name": "score", "parameters": {"classification": LONG}}]},
        {"parameters": {"timeout": LONG}},
        {"inputs": [{"name": LONG}]},
        {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": LONG}}]},
        {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": [LONG]}}]},
        {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": [LONG]}]},
        {"inputs": [{"name": "image", "datatype": "BYTES", "shape": LONG, "data": ["eA=="]}]},
        {"id": LONG},
    ],
)
def test_no_refusal_repeats_all_that_was_sent(more: dict[str, object]) -> None:
    with pytest.raises(Refused) as refused:
        read(*json_request([b"x"], more))
    assert refused.value.status == 400
    assert len(str(refused.value)) < 200


def test_an_id_has_a_limit() -> None:
    assert read(*json_request([b"x"], {"id": "7" * MOST_ID})).id == "7" * MOST_ID
    with pytest.raises(Refused, match="id has 4,097 characters, at most 4,096"):
        read(*json_request([b"x"], {"id": "7" * (MOST_ID + 1)}))


@pytest.mark.parametrize("part", [b"[]", b"{}", b"0", b'""', b'{"a":[1,2]}'])
def test_a_document_of_many_parts_is_refused_before_it_takes_many_times_its_memory(part: bytes) -> None:
    text = b'{"inputs": [{"data": [' + b",".join([part] * (MOST_PARTS + 2)) + b"]}]}"
    for body, length in ((text, None), (text + b"x", str(len(text)))):
        with pytest.raises(Refused, match="more than 10,000 parts") as refused:
            read(body, length)
        assert refused.value.status == 413


def test_elements_are_counted_before_they_are_decoded() -> None:
    with pytest.raises(Refused, match="shape says 1"):
        read(*json_request([b"x"], data=["not base64!"] * 100))


def read_or_refused(body: bytes, length: str | None) -> None:
    """Any other exception would be our bug, and cost the client its answer."""
    try:
        assert read(body, length).images
    except Refused as refused:
        assert str(refused) and refused.status == 400  # noqa: PT017, PT018


@given(st.binary(max_size=200), st.none() | st.integers(-1, 250).map(str) | st.text(max_size=5))
def test_random_bytes_are_refused(body: bytes, length: str | None) -> None:
    read_or_refused(body, length)


@given(st.data())
def test_a_damaged_request_is_read_or_refused(data: st.DataObject) -> None:
    body = bytearray(BINARY)
    for _ in range(data.draw(st.integers(1, 6))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    body = body[: data.draw(st.integers(0, len(body)))] if data.draw(st.booleans()) else body
    read_or_refused(bytes(body), data.draw(st.sampled_from([LENGTH, str(int(LENGTH) + 1), None, str(len(body)), "0"])))


@given(st.data())
def test_a_request_with_anything_in_the_wrong_place_is_read_or_refused(data: st.DataObject) -> None:
    output = {"name": "score", "parameters": {"classification": 2, "binary_data": True}}
    text, _ = json_request([b"x"], {"id": "7", "outputs": [output], "parameters": {"timeout": 5, "priority": 1}})
    document = json.loads(text)
    holder = document
    while True:  # walk to some leaf and put something else there
        key = data.draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
        if not holder[key] or not isinstance(holder[key], dict | list) or data.draw(st.booleans()):
            break
        holder = holder[key]
    holder[key] = data.draw(documents)
    read_or_refused(json.dumps(document).encode(), None)


@given(images, st.integers(-3, 3), st.integers(-5, 5))
def test_lengths_that_do_not_fit_are_refused(contents: list[bytes], header: int, size: int) -> None:
    data = elements(contents)
    tensor = {"name": "image", "shape": [len(contents)], "datatype": "BYTES"}
    text = json.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": len(data) + size}}]}).encode()
    if header or size:
        with pytest.raises(Refused):
            read(text + data, str(len(text) + header))
    else:
        assert read(text + data, str(len(text))).images == contents
