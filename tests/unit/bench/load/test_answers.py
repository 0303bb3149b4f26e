import json

import pytest

from bench.load.answers import judge, judge_label, stages

EXPECTED = ["tabby", "lynx"]


def body(**changes: object) -> bytes:
    good = {"labels": [{"label": label} for label in EXPECTED], "model": {"version": "1"}, "source": "live"}
    return json.dumps({**good, **changes}).encode()


@pytest.mark.parametrize(
    ("status", "answer", "outcome"),
    [
        (200, body(), "ok"),
        (200, body(source="stored"), "ok"),
        (200, body(source="fallback"), "degraded"),
        (200, body(labels=[{"label": "lynx"}, {"label": "tabby"}]), "wrong"),
        (200, body(labels=[]), "error"),
        (200, b"not json", "error"),
        (200, b"[]", "error"),
        (202, body(), "pending"),
        (503, b"", "refused"),
        (500, b"", "error"),
        (302, b"", "error"),
    ],
)
def test_only_the_right_prediction_is_a_success(status: int, answer: bytes, outcome: str):
    assert judge("prediction", status, answer, "7", EXPECTED).outcome == outcome


def test_a_prediction_says_which_model_gave_it_and_from_where():
    verdict = judge("prediction", 200, body(source="stored"), "7", EXPECTED)
    assert (verdict.model_version, verdict.source) == ("1", "stored")


@pytest.mark.parametrize(
    ("case", "status", "answer", "outcome"),
    [
        ("metadata", 200, b'{"id": 7}', "ok"),
        ("metadata", 200, b'{"id": 8}', "wrong"),
        ("metadata", 200, b"<html>", "error"),
        ("page", 200, b"<html>", "ok"),
        ("page", 200, b"", "wrong"),
        ("image", 404, b"", "error"),
        ("image", 503, b"", "refused"),
    ],
)
def test_bystanders_are_judged_too(case: str, status: int, answer: bytes, outcome: str):
    assert judge(case, status, answer, "7", EXPECTED).outcome == outcome


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("app;dur=1.2, decode;dur=3.4", {"app": 1.2, "decode": 3.4}),
        ('infer;desc="the model";dur="5"', {"infer": 5.0}),
        ("cache;dur=1, db;DUR=2", {"db": 2.0}),
        ("app;dur=fast, queue, db;dur=1", {"db": 1.0}),
        ("", {}),
        (None, {}),
    ],
)
def test_stages_are_read_from_server_timing(header: str | None, expected: dict[str, float]):
    assert stages(header) == expected


def read(body: bytes) -> str:
    if not body:
        raise ValueError("no label")
    return body.decode()


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b"tabby", "ok"),
        (200, b"lynx", "wrong"),  # the second best
        (200, b"", "error"),
        (503, b"tabby", "refused"),
        (429, b"", "refused"),
        (504, b"", "error"),
        (202, b"tabby", "error"),
    ],
)
def test_an_inference_server_is_judged_by_its_first_label(status: int, body: bytes, outcome: str):
    assert judge_label(status, body, ["tabby", "lynx"], read).outcome == outcome


def test_any_label_will_do_where_none_is_expected():
    assert judge_label(200, b"lynx", [], read).outcome == "ok"
