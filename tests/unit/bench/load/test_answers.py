import json

import pytest

from bench.load.answers import judge, stages

EXPECTED = {"1": ("tabby", "lynx"), "2": ("lynx", "tabby")}


def body(**changes: object) -> bytes:
    good = {"labels": [{"label": label} for label in EXPECTED["1"]], "model": {"version": "1"}, "source": "live"}
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
        (200, b"[" * 100_000, "error"),
        (202, body(), "pending"),
        (503, b"", "refused"),
        (500, b"", "error"),
        (302, b"", "error"),
    ],
)
def test_only_the_right_prediction_is_a_success(status: int, answer: bytes, outcome: str):
    assert judge("prediction", status, answer, "7", EXPECTED).outcome == outcome


@pytest.mark.parametrize(("version", "outcome"), [("1", "ok"), ("2", "wrong"), ("3", "wrong"), (2, "wrong")])
def test_what_is_right_depends_on_the_version_of_the_model_that_answered(version: object, outcome: str):
    assert judge("prediction", 200, body(model={"version": version}), "7", EXPECTED).outcome == outcome


def test_where_nothing_is_known_any_labels_will_do():
    assert judge("prediction", 200, body(model={"version": "3"}), "7", {}).outcome == "ok"


def test_a_prediction_says_which_model_gave_it_from_where_of_which_photo_and_when():
    read, predicted = "2026-11-22T13:15:00.000001Z", "2026-11-22T13:15:00.000002Z"
    answer = body(source="stored", photo_version=3, input_read_at=read, predicted_at=predicted)
    assert judge("prediction", 200, answer, "7", EXPECTED).words == {
        "model_version": "1", "source": "stored", "photo_version": "3", "input_read_at": read,
        "predicted_at": predicted,
    }  # fmt: skip


def test_a_prediction_that_leaves_its_age_out_is_none_the_worse():
    verdict = judge("prediction", 200, body(photo_version=None), "7", EXPECTED)
    assert verdict.outcome == "ok"
    assert [verdict.words[name] for name in ("photo_version", "input_read_at", "predicted_at")] == [None] * 3


@pytest.mark.parametrize(
    ("case", "status", "answer", "outcome"),
    [
        ("metadata", 200, b'{"id": 7}', "ok"),
        ("metadata", 200, b'{"id": 8}', "wrong"),
        ("metadata", 200, b"<html>", "error"),
        ("metadata", 200, b"[" * 100_000, "error"),
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
