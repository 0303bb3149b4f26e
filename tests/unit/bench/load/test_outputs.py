"""The file of samples: what is in it, and what becomes of it where it cannot be written."""

from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.load import outputs
from bench.load.generator import Load
from bench.load.plan import Plan
from bench.load.samples import CODES, Samples
from bench.load.schedule import Phase, draw
from runfile.columns import ANSWERED, MEASURED, NEVER, OUTCOME, SCHEDULED

SCHEDULE = draw(Phase(0.0, {}), [Phase(1.0, {"page": 4.0})], 2, seed=(1,))
PLAN = Plan(["http://127.0.0.1:8000"], SCHEDULE, [{"id": "7", "path": "7"}] * 2, 1.0)


def test_samples_become_rows_with_nothing_where_nothing_happened():
    samples = Samples.empty(4)
    for name, values in {"sent_ns": (5, 6, 7), "done_ns": (8, NEVER, 9), "status": (200, 0, 503)}.items():
        samples.numbers[name][:3] = values
    samples.numbers["code"][:] = [CODES[name] for name in ("ok", "error", "refused", "dropped")]
    samples.numbers["stage_infer_ms"][0], samples.words["model_version"][0] = 2.5, "1"
    rows = outputs.table_of(PLAN, samples).to_pylist()
    assert [row["intended_ns"] for row in rows] == PLAN.schedule.offset_ns.tolist()
    assert [row["sent_ns"] for row in rows] == [5, 6, 7, None]
    assert [row["done_ns"] for row in rows] == [8, None, 9, None]
    assert [row["status"] for row in rows] == [200, None, 503, None]
    assert [row["outcome"] for row in rows] == ["ok", "error", "refused", "dropped"]
    assert [row["stage_infer_ms"] for row in rows] == [2.5, None, None, None]
    assert (rows[0]["model_version"], rows[1]["model_version"]) == ("1", None)
    assert {(row["case"], row["step"], row["photo_id"]) for row in rows} == {("page", 0, "7")}


def test_what_an_answer_says_of_its_age_is_recorded_as_times():
    samples = Samples.empty(4)
    samples.words["photo_version"][0] = "3"
    samples.words["input_read_at"][:3] = "2026-11-22T13:15:00.000001Z", "2026-11-22T14:15:00.5+01:00", "yesterday"
    samples.words["predicted_at"][0] = "2026-11-22T13:15:00Z"
    rows = outputs.table_of(PLAN, samples).to_pylist()
    first, second = datetime(2026, 11, 22, 13, 15, 0, 1, UTC), datetime(2026, 11, 22, 13, 15, 0, 500_000, UTC)
    assert [row["input_read_at"] for row in rows] == [first, second, None, None]
    assert (rows[0]["photo_version"], rows[0]["predicted_at"]) == ("3", first.replace(microsecond=0))
    assert (rows[1]["photo_version"], rows[1]["predicted_at"]) == (None, None)


def test_what_is_written_is_what_the_harness_reads(tmp_path: Path):
    samples = Samples.empty(4)
    samples.connections, samples.requests_sent, samples.loop_lag_ns = 3, 4, [5, 6]
    out = tmp_path / "samples.parquet"
    outputs.save(Namespace(samples=str(out)), PLAN, samples, zero_ns=9, processes=2)
    load = Load.read(out)
    assert (load.zero_ns, load.processes, load.connections, load.requests_sent) == (9, 2, 3, 4)
    assert list(load.loop_lag_ns) == [5, 6]
    assert load.outcome.tolist() == ["unsent"] * 4
    assert load.times("sent_ns").tolist() == [NEVER] * 4
    assert load.table.column_names == [column.name for column in (*SCHEDULED, *MEASURED, OUTCOME, *ANSWERED)]
    assert [path.name for path in tmp_path.iterdir()] == ["samples.parquet"]


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    outputs.save(Namespace(samples=""), PLAN, Samples.empty(4), zero_ns=0, processes=1)
    assert not list(tmp_path.iterdir())
