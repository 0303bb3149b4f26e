"""A run folder while it is written: whatever happens, what is there can be read."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from runfile import RunFileError, read
from runfile.columns import ALWAYS, PROCESSES, REQUESTS, schema_of
from runfile.facts import Check, Latency, Null, Trial
from runfile.folder import RunFolder, now, replace, utc
from tests.unit.runfile.runs import PROCESS, REQUEST, ROW, begun, finished, requests


def test_a_new_folder_has_tables_of_the_right_form_and_is_running(tmp_path: Path):
    folder = RunFolder(tmp_path / "runs", "smoke")
    folder.save()
    assert pq.read_schema(folder.path / "requests.parquet").equals(schema_of(REQUESTS))
    assert pq.read_schema(folder.path / "processes.parquet").equals(schema_of(PROCESSES))
    assert folder.path.name.endswith("Z-smoke")
    found = read(folder.path).run
    assert (found.id, found.profile, found.state) == (folder.path.name, "smoke", "running")
    assert found.validity.reasons == ("the run is not finished",)


def test_every_column_survives_and_what_nobody_gave_is_null(tmp_path: Path):
    folder = begun(tmp_path)
    request, process = ({name: row[name] for name in ALWAYS if name in row} for row in (REQUEST, PROCESS))
    folder.add_trial(requests(request | {"outcome": "dropped"}), [process])
    first, second = read(folder.path).requests().to_pylist()
    assert first == REQUEST
    assert {name for name, value in second.items() if value is not None} == {*request, "outcome"}
    assert list(second) == list(first) == [column.name for column in REQUESTS]
    first, second = read(folder.path).processes().to_pylist()
    assert first == PROCESS
    assert {name for name, value in second.items() if value is not None} == {*process}


@pytest.mark.parametrize("column", [column.name for column in REQUESTS])
def test_rows_of_another_form_are_refused_and_spoil_nothing(tmp_path: Path, column: str):
    folder = begun(tmp_path)
    with pytest.raises(pa.ArrowInvalid):
        folder.add_trial(requests(REQUEST).drop_columns(column))
    assert read(folder.path).requests().to_pylist() == [REQUEST]


def test_facts_events_and_results_are_readable_at_any_time(tmp_path: Path):
    folder = begun(tmp_path)
    folder.save(seed=8)
    folder.event("trial started", trial=1, where=Path("here"))
    folder.event("trial finished", trial=1, t_ns=5)
    folder.write_results([ROW])
    found = read(folder.path)
    assert (found.run.seed, found.run.state, found.results) == (8, "running", (ROW,))
    events = [json.loads(line) for line in (folder.path / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(event["event"], event["trial"]) for event in events] == [("trial started", 1), ("trial finished", 1)]
    assert not list(folder.path.glob("*.part"))


def test_facts_of_one_experiment_leave_the_others_alone(tmp_path: Path):
    folder = finished(tmp_path)
    before = folder.run
    folder.save_found("latency", slo_ms=250.0)
    found = read(folder.path).run
    assert found.found["latency"] == Latency(slo_ms=250.0, trials=(Trial(1, 1, "v"),), validity=before.validity)
    assert (found.seed, found.state, found.experiments.peers) == (7, "complete", None)


def test_one_nan_in_a_fact_breaks_no_save_neither_then_nor_later(tmp_path: Path):
    folder = begun(tmp_path)
    check = Check("t", math.nan, -math.inf, math.inf, math.nan, "ms", 3, "withheld")
    folder.save(null=Null(math.inf, math.nan, 1.0))
    folder.save_found("latency", checks=(check,))
    folder.save(state="complete")
    folder.write_results([])
    found = read(folder.path).run
    assert (found.state, found.null.lag_p99_ms, found.null.service_p99_ms) == ("complete", None, 1.0)
    (read_check,) = found.found["latency"].checks
    assert (read_check.value, read_check.low, read_check.high, math.isnan(read_check.limit)) == (None, None, None, True)


def test_a_file_is_replaced_as_a_whole(tmp_path: Path):
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")
    with path.open(encoding="utf-8") as reader:
        replace(path, "new")
        assert reader.read() == "old"
    assert path.read_text(encoding="utf-8") == "new"


def test_times_are_utc_with_microseconds():
    assert utc(datetime(2026, 11, 22, 14, tzinfo=UTC)) == "2026-11-22T14:00:00.000000Z"
    assert datetime.fromisoformat(now()).utcoffset().total_seconds() == 0


def test_two_runs_in_the_same_second_get_two_folders(tmp_path: Path):
    assert len({RunFolder(tmp_path, "smoke").path for _ in range(3)}) == 3


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(RunFileError, match="choose another --out"):
        RunFolder(tmp_path / "file" / "runs", "smoke")


def test_photos_that_are_left_out_are_told_once_and_nothing_is_said_where_there_are_none(tmp_path: Path):
    folder = RunFolder(tmp_path, "quick")
    folder.save(settings={"photos": "here"})
    folder.left_out([])
    assert folder.run.settings == {"photos": "here"}
    for photos in (["a: damaged", "b: empty"], ["b: empty"], []):
        folder.left_out(photos)
    assert read(folder.path).run.left_out == ("a: damaged", "b: empty")
