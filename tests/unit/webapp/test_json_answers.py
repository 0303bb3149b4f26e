"""JSON bodies: valid whatever stands in them, numbers as they are."""

import json

import pytest
from flask import Flask

from webapp.json_answers import JsonAnswers


@pytest.mark.parametrize(
    "document",
    [
        {"title": "Grüße, 你好, 👩\u200d🔬", "score": 0.7017797827720642, "tiny": 5e-324, "none": None},
        {"title": "half of a pair: \udcff", "list": [1, True, {}]},
        {"large": 2**63 - 1},
    ],
)
def test_what_is_written_reads_as_what_was_meant(document: dict[str, object]):
    app = Flask(__name__)
    app.json = JsonAnswers(app)
    app.add_url_rule("/", view_func=lambda: document)
    answer = app.test_client().get("/")
    assert answer.mimetype == "application/json"
    assert json.loads(answer.data) == document
