import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bench.exits import UsageProblem
from bench.runfolder import PROCESSES, REQUESTS, RunFolder


def test_a_new_folder_already_has_tables_of_the_right_form(tmp_path: Path):
    folder = RunFolder(tmp_path / "runs", "smoke")
    assert pq.read_schema(folder.path / "requests.parquet").equals(REQUESTS)
    assert pq.read_schema(folder.path / "processes.parquet").equals(PROCESSES)


def test_tables_grow_and_missing_facts_are_null(tmp_path: Path):
    folder = RunFolder(tmp_path, "smoke")
    for trial in (1, 2):
        folder.add_trial([{"trial": trial, "outcome": "dropped", "intended_ns": 5}], [])
    rows = pq.read_table(folder.path / "requests.parquet").to_pylist()
    assert [row["trial"] for row in rows] == [1, 2]
    assert rows[0]["sent_ns"] is None


def test_facts_events_and_results_are_readable_at_any_time(tmp_path: Path):
    folder = RunFolder(tmp_path, "smoke")
    folder.save(seed=1)
    folder.save(state="complete")
    folder.event("trial started", trial=1)
    folder.write_results([dict.fromkeys(("experiment", "variant"), "x") | {"value": float("inf"), "low": None}])
    facts = json.loads((folder.path / "run.json").read_text())
    assert (facts["schema"], facts["seed"], facts["state"]) == ("sweetspot.run/1", 1, "complete")
    assert json.loads((folder.path / "events.jsonl").read_text())["event"] == "trial started"
    (row,) = csv.DictReader((folder.path / "results.csv").read_text().splitlines())
    assert (row["value"], row["low"]) == ("inf", "")
    assert not list(folder.path.glob("*.part"))


def test_two_runs_in_the_same_second_get_two_folders(tmp_path: Path):
    assert len({RunFolder(tmp_path, "smoke").path for _ in range(3)}) == 3


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageProblem, match="choose another --out"):
        RunFolder(tmp_path / "file" / "runs", "smoke")
