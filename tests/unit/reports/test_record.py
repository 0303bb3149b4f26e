import json

import pytest

from reports import ReportError, record


def test_a_whole_run_is_read(build):
    run = record.read(build() / "run.json")
    assert (run.id, run.state, run.seed) == ("20261122T131500Z-quick", "complete", "7")
    assert [variant.title for variant in run.variants] == ["Embedded", "Model in the database", "Model as a service"]
    assert run.variants[0].processes[0].roles == ("pages",)
    assert (run.trials[0].rate, run.trials[0].window) == (20, 20)
    assert run.valid is True


def test_what_a_dying_run_did_not_write_reads_as_nothing(tmp_path):
    path = tmp_path / "run.json"
    path.write_text('{"schema": "sweetspot.run/1", "state": "running"}')
    run = record.read(path)
    assert run.variants == ()
    assert run.trials == ()
    assert run.valid is None
    assert run.seed == ""


def test_no_run_folder(tmp_path):
    with pytest.raises(ReportError, match=r"not a run folder.*sweetspot run"):
        record.read(tmp_path / "run.json")


@pytest.mark.parametrize("text", ["", "{", "[]", '"text"', "\0"])
def test_a_damaged_file_is_refused(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ReportError):
        record.read(tmp_path / "run.json")


def test_an_unknown_schema_is_refused_and_named(build):
    with pytest.raises(ReportError, match=r"sweetspot\.run/2"):
        record.read(build(schema="sweetspot.run/2") / "run.json")


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"state": "done"}, "state"),
        ({"trials": {}}, "trials"),
        ({"trials": [1]}, r"trials\[0\]"),
        ({"checks": [{"value": "high"}]}, r"checks\[0\].value"),
        ({"validity": {"valid": "yes"}}, "validity.valid"),
        ({"machine": []}, "machine"),
        ({"id": 3}, "id"),
    ],
)
def test_a_wrong_type_is_named_by_its_place(build, changes, place):
    with pytest.raises(ReportError, match=place):
        record.read(build(**changes) / "run.json")


def test_numbers_that_are_none_read_as_none(build):
    path = build() / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"checks": [{"title": "t", "value": float("nan")}]}))
    assert record.read(path).checks[0].value is None
