"""The JSON Schema of run.json, as `python -m runfile` prints it, judged by a validator that is not ours."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from runfile import read
from runfile.__main__ import schema
from runfile.decoding import encode
from runfile.facts import SCHEMA, Run
from tests.conftest import ROOT
from tests.unit.runfile.runs import every, finished

VALIDATOR = Draft202012Validator(schema())


def wrong(text: str) -> list[str]:
    """Return where a text is not what the schema asks for."""
    return [error.json_path for error in VALIDATOR.iter_errors(json.loads(text))]


def test_the_command_prints_it():
    shown = subprocess.run([sys.executable, "-m", "runfile"], cwd=ROOT, capture_output=True, text=True, check=True)
    printed = json.loads(shown.stdout)
    assert printed == schema()
    assert (printed["$id"], printed["title"]) == (SCHEMA, "Run")
    Draft202012Validator.check_schema(printed)


@settings(max_examples=40)
@given(run=every(Run, st.floats()))
def test_every_run_that_is_written_is_valid(run: Run):
    assert wrong(encode(run)) == []


def test_a_run_in_a_folder_is_valid(tmp_path: Path):
    assert wrong((finished(tmp_path).path / "run.json").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", ["v1-latency", "v1-peers"])
def test_an_old_run_is_valid_as_it_is_read(name: str):
    assert wrong(encode(read(ROOT / "tests" / "data" / "runs" / name).run)) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"state": "done"}, "$.state"),
        ({"seed": "7"}, "$.seed"),
        ({"gates": [{}]}, "$.gates[0]"),
        ({"id": None}, "$.id"),
    ],
)
def test_what_is_wrong_is_found(change: dict[str, Any], place: str):
    assert place in wrong(json.dumps(json.loads(encode(Run(state="running"))) | change))
