"""The file of samples: what is in it, and what becomes of it where it cannot be written."""

import os
import subprocess
import sys
import tempfile
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.exits import UsageProblem
from bench.load import outputs
from bench.load.generator import Load
from bench.load.plan import Plan
from bench.load.samples import CODES, Samples
from bench.load.schedule import Phase, draw
from bench.processes.guarded import ROOT
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
    outputs.save(Namespace(samples=str(out)), PLAN, samples, zero_ns=9, processes=2, before=None)
    load = Load.read(out)
    assert (load.zero_ns, load.processes, load.connections, load.requests_sent) == (9, 2, 3, 4)
    assert list(load.loop_lag_ns) == [5, 6]
    assert load.outcome.tolist() == ["unsent"] * 4
    assert load.times("sent_ns").tolist() == [NEVER] * 4
    assert load.table.column_names == [column.name for column in (*SCHEDULED, *MEASURED, OUTCOME, *ANSWERED)]
    assert [path.name for path in tmp_path.iterdir()] == ["samples.parquet"]


def test_a_name_that_can_be_tried_can_be_written(tmp_path: Path):
    out = os.fsencode(tmp_path) + b"/caf\xe9?#%41 \n.parquet"
    options = Namespace(samples=os.fsdecode(out))
    before = outputs.try_all(options, 4)
    outputs.save(options, PLAN, Samples.empty(4), zero_ns=0, processes=1, before=before)
    assert [os.fsencode(path) for path in tmp_path.iterdir()] == [out]


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    outputs.save(Namespace(samples=""), PLAN, Samples.empty(4), zero_ns=0, processes=1, before=None)
    assert not list(tmp_path.iterdir())


def test_of_two_tests_with_one_file_the_second_keeps_its_samples_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "kept").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "kept"))
    options = Namespace(samples=str(tmp_path / "x.parquet"))
    first, second = (outputs.try_all(options, 4) for _ in range(2))
    outputs.save(options, PLAN, Samples.empty(4), zero_ns=1, processes=1, before=first)
    with pytest.raises(UsageProblem, match="another test has written it meanwhile; what was measured is in"):
        outputs.save(options, PLAN, Samples.empty(4), zero_ns=2, processes=1, before=second)
    (elsewhere,) = (tmp_path / "kept").iterdir()
    assert [Load.read(Path(place)).zero_ns for place in (options.samples, elsewhere)] == [1, 2]


def test_two_who_write_the_same_file_at_once_do_not_meet(tmp_path: Path):
    with outputs.replacing(tmp_path / "x") as one, outputs.replacing(tmp_path / "x") as other:
        one.write_text("one")
        other.write_text("other")
        assert one.read_text() == "one"


def test_a_file_that_will_be_replaced_is_told_when_it_is_tried(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    options = Namespace(samples=str(tmp_path / "x\x1b[2J.parquet"))
    before = outputs.try_all(options, 4)
    assert (before, caplog.messages) == (None, [])
    outputs.save(options, PLAN, Samples.empty(4), zero_ns=1, processes=1, before=before)
    outputs.save(options, PLAN, Samples.empty(4), zero_ns=2, processes=1, before=outputs.try_all(options, 4))
    assert Load.read(Path(options.samples)).zero_ns == 2
    (told,) = caplog.messages
    assert told.endswith("x\\x1b[2J.parquet is there already, and will be replaced")


@pytest.mark.parametrize("rows", [1, 100])
def test_trying_leaves_nothing_and_touches_nothing(tmp_path: Path, rows: int):
    out = tmp_path / "samples.parquet"
    outputs.attempt(out, "--samples", rows)
    assert not list(tmp_path.iterdir())
    out.write_text("of yesterday")
    outputs.attempt(out, "--samples", rows)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["of yesterday"]


@pytest.mark.parametrize("place", ["none/x", "file/x", "file/x/y", ".", "x" * 300, "nul\0", "/dev/null", "/proc/x/y"])
def test_a_place_where_nothing_can_be_written_is_found_out(tmp_path: Path, place: str):
    (tmp_path / "file").touch()
    with pytest.raises(UsageProblem, match=r"(?s)cannot write to .*: .*; choose another --samples"):
        outputs.attempt(tmp_path / place, "--samples")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_disk_without_room_for_all_rows_is_found_out(tmp_path: Path):
    """A limit on the size of a file stands for the disk; in a process of its own, since it cannot be lifted again."""
    script = (
        "import resource, pathlib; from bench.load import outputs\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        f"outputs.attempt(pathlib.Path({str(tmp_path / 'x')!r}), '--samples', 100)\n"
        f"outputs.attempt(pathlib.Path({str(tmp_path / 'x')!r}), '--samples', 1000)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, cwd=ROOT)
    assert "UsageProblem: cannot write to" in done.stderr
    assert "line 4" in done.stderr.split("UsageProblem")[0]
    assert not list(tmp_path.iterdir())


def test_reports_of_locust_are_tried_and_one_that_cannot_be_written_is_given_up(tmp_path: Path):
    (tmp_path / "file").touch()
    options = Namespace(samples="", html_file=str(tmp_path / "new" / "x.html"), json_file=str(tmp_path / "file" / "x"))
    with pytest.raises(UsageProblem, match="choose another --json-file"):
        outputs.try_all(options, 4)
    assert (options.html_file, options.json_file) == (str(tmp_path / "new" / "x.html"), None)


def test_samples_that_cannot_be_written_are_kept_elsewhere_and_it_is_said_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(UsageProblem) as problem:
        outputs.save(
            Namespace(samples=str(tmp_path / "none" / "x")), PLAN, Samples.empty(4), zero_ns=9, processes=2, before=None
        )
    (kept,) = tmp_path.iterdir()
    assert str(problem.value).endswith(f"; what was measured is in {kept}")
    assert Load.read(kept).zero_ns == 9


def test_where_no_temporary_file_can_be_written_either_the_current_folder_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    said = outputs.save_elsewhere(outputs.table_of(PLAN, Samples.empty(4)))
    assert said.startswith(f"what was measured is in {tmp_path}/sweetspot-samples-")
