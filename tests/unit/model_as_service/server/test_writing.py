"""Answers as the protocol asks: JSON and binary say the same, in the order asked for."""

import json
import struct

import numpy as np
import pytest

from model_as_service.server.reading import ALL_BINARY, Request, Wanted
from model_as_service.server.tensors import DATATYPES
from model_as_service.server.writing import write
from tests.unit.model_as_service.server.fakes import FakeModel
from tests.unit.model_as_service.server.messages import binary_outputs

MODEL = FakeModel()
ROWS = list(MODEL.infer(np.stack([MODEL.preprocess(name) for name in (b"a", b"b")])))
ALL_JSON = tuple(Wanted(name) for name in DATATYPES)


def written(*wanted: Wanted, id: str | None = None) -> tuple[bytes, dict[bytes, bytes]]:  # noqa: A002
    body, headers = write(Request(id, [b"", b""], wanted), ROWS, MODEL)  # type: ignore[arg-type]
    return body, dict(headers)


def test_json() -> None:
    body, headers = written(*ALL_JSON, id="7")
    document = json.loads(body)
    assert headers == {b"content-type": b"application/json"}
    assert {key: document[key] for key in ("id", "model_name", "model_version", "parameters")} == {
        "id": "7", "model_name": "fake", "model_version": "1", "parameters": {"provider": "FakeProvider"},
    }  # fmt: skip
    label, score, index, probabilities = document["outputs"]
    assert (label["shape"], label["data"][0], label["data"][5]) == ([2, 5], "class 97", "class 98")
    assert (score["shape"], score["data"][0], score["data"][5]) == ([2, 5], 0.5, 0.5)
    assert (index["shape"], index["data"][:2], index["data"][5:7]) == ([2, 5], [97, 0], [98, 0])
    assert (probabilities["shape"], probabilities["data"][97], probabilities["data"][1098]) == ([2, 1000], 0.5, 0.5)
    assert [output["datatype"] for output in document["outputs"]] == ["BYTES", "FP32", "INT32", "FP32"]


def test_binary_says_what_json_says() -> None:
    body, headers = written(*ALL_BINARY)
    document, data = binary_outputs(body, int(headers[b"inference-header-content-length"]))
    texts = json.loads(written(*ALL_JSON)[0])["outputs"]
    assert headers[b"content-type"] == b"application/octet-stream"
    assert data["index"] == struct.pack("<10i", *texts[2]["data"])
    assert data["score"] == struct.pack("<10f", *texts[1]["data"])
    assert data["probabilities"] == np.asarray(texts[3]["data"], "<f4").tobytes()
    assert data["label"] == b"".join(struct.pack("<I", len(text)) + text.encode() for text in texts[0]["data"])
    assert [output["shape"] for output in document["outputs"]] == [output["shape"] for output in texts]
    assert not any("data" in output for output in document["outputs"])


def test_outputs_come_in_the_order_asked_for_each_in_its_own_form() -> None:
    body, headers = written(Wanted("index", binary=True), Wanted("score"), Wanted("label", binary=True))
    document, data = binary_outputs(body, int(headers[b"inference-header-content-length"]))
    assert [output["name"] for output in document["outputs"]] == ["index", "score", "label"]
    assert list(data) == ["index", "label"]


@pytest.mark.parametrize(("name", "classes", "width"), [("score", 3, 3), ("score", 9, 5), ("probabilities", 9, 9)])
def test_classification(name: str, classes: int, width: int) -> None:
    [output] = json.loads(written(Wanted(name, classes=classes))[0])["outputs"]
    assert (output["datatype"], output["shape"]) == ("BYTES", [2, width])
    assert output["data"][0] == "0.500000:97:class 97"
    assert output["data"][width] == "0.500000:98:class 98"


def test_classification_in_binary() -> None:
    body, headers = written(Wanted("probabilities", binary=True, classes=1))
    _, data = binary_outputs(body, int(headers[b"inference-header-content-length"]))
    first = b"0.500000:97:class 97"
    assert data["probabilities"].startswith(struct.pack("<I", len(first)) + first)


def test_without_an_id_there_is_none() -> None:
    assert "id" not in json.loads(written(Wanted("label"))[0])
