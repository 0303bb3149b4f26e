import csv
import json
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.exits import UsageProblem
from bench.session.runfolder import PROCESSES, REQUESTS, RESULTS, RunFolder, now, replace

DROPPED = {"trial": 1, "block": 1, "variant": "v", "case": "page", "step": 0, "outcome": "dropped", "intended_ns": 5}


def requests(**changes: object) -> pa.Table:
    return pa.Table.from_pylist([{**DROPPED, **changes}], schema=REQUESTS)


def test_a_new_folder_already_has_tables_of_the_right_form_and_is_running(tmp_path: Path):
    folder = RunFolder(tmp_path / "runs", "smoke")
    assert pq.read_schema(folder.path / "requests.parquet").equals(REQUESTS)
    assert pq.read_schema(folder.path / "processes.parquet").equals(PROCESSES)
    assert folder.path.name.endswith("Z-smoke")
    assert folder.facts == {
        "schema": "sweetspot.run/1", "id": folder.path.name, "profile": "smoke", "state": "running"
    }  # fmt: skip


def test_tables_grow_in_memory_and_on_disk_and_missing_facts_are_null(tmp_path: Path):
    folder = RunFolder(tmp_path, "smoke")
    for trial in (1, 2):
        folder.add_trial(requests(trial=trial, offered_per_s=4.0), [{"trial": trial, "process": "web"}])
    rows = pq.read_table(folder.path / "requests.parquet").to_pylist()
    assert [(row["trial"], row["step"], row["offered_per_s"]) for row in rows] == [(1, 0, 4.0), (2, 0, 4.0)]
    assert rows[0]["sent_ns"] is rows[0]["status"] is None
    used = pq.read_table(folder.path / "processes.parquet")
    assert [(row["trial"], row["process"], row["cpu_percent"]) for row in used.to_pylist()] == [
        (1, "web", None), (2, "web", None),
    ]  # fmt: skip
    assert folder.requests.equals(pq.read_table(folder.path / "requests.parquet"))


def test_rows_of_another_form_are_refused_and_spoil_nothing(tmp_path: Path):
    folder = RunFolder(tmp_path, "smoke")
    with pytest.raises(pa.ArrowInvalid):
        folder.add_trial(requests().drop_columns("step"), [])
    assert len(pq.read_table(folder.path / "requests.parquet")) == len(folder.requests) == 0


def test_facts_events_and_results_are_readable_at_any_time(tmp_path: Path):
    folder = RunFolder(tmp_path, "smoke")
    folder.save(seed=1)
    folder.save(state="complete")
    folder.event("trial started", trial=1)
    folder.event("trial finished", trial=1)
    folder.write_results([dict.fromkeys(RESULTS, "x") | {"value": float("inf"), "low": None, "offered_per_s": 4.0}])
    facts = json.loads((folder.path / "run.json").read_text())
    assert (facts["seed"], facts["state"]) == (1, "complete")
    events = [json.loads(line) for line in (folder.path / "events.jsonl").read_text().splitlines()]
    assert [(event["event"], event["trial"]) for event in events] == [("trial started", 1), ("trial finished", 1)]
    (row,) = csv.DictReader((folder.path / "results.csv").read_text().splitlines())
    assert (row["value"], row["low"], row["offered_per_s"]) == ("inf", "", "4.0")
    assert not list(folder.path.glob("*.part"))


def test_results_have_exactly_the_agreed_columns(tmp_path: Path):
    folder = RunFolder(tmp_path, "smoke")
    folder.write_results([])
    assert (folder.path / "results.csv").read_text().strip() == ",".join(RESULTS)
    assert RESULTS[-1] == "offered_per_s"
    with pytest.raises(ValueError, match="pace"):
        folder.write_results([{"pace": 1}])


def test_what_json_cannot_hold_is_refused_and_the_old_file_stays(tmp_path: Path):
    folder = RunFolder(tmp_path, "smoke")
    folder.save(seed=1)
    with pytest.raises(ValueError, match="JSON"):
        folder.save(seed=float("nan"))
    assert json.loads((folder.path / "run.json").read_text())["seed"] == 1


def test_a_file_is_replaced_as_a_whole(tmp_path: Path):
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")
    with path.open(encoding="utf-8") as reader:
        replace(path, "new")
        assert reader.read() == "old"
    assert path.read_text(encoding="utf-8") == "new"


def test_times_are_utc_with_microseconds():
    assert now().endswith("Z")
    assert datetime.fromisoformat(now()).utcoffset().total_seconds() == 0
    assert len(now()) == len("2026-11-22T14:00:00.000000Z")


def test_two_runs_in_the_same_second_get_two_folders(tmp_path: Path):
    assert len({RunFolder(tmp_path, "smoke").path for _ in range(3)}) == 3


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageProblem, match="choose another --out"):
        RunFolder(tmp_path / "file" / "runs", "smoke")
