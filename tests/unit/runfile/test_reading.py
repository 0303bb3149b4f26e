"""A run folder read: as a whole when it is finished, as far as it got when it is not, and every damage in words."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from runfile import Recorded, RunFileError, read
from runfile.columns import REQUESTS, filled
from runfile.facts import SCHEMA
from tests.unit.runfile.runs import PROCESS, REQUEST, ROW, VALID, begun, finished

TABLES = {"requests.parquet": Recorded.requests, "processes.parquet": Recorded.processes}
NEEDED = ("results.csv", "requests.parquet")
by_table = pytest.mark.parametrize("name", TABLES)


@pytest.fixture
def done(tmp_path: Path) -> Path:
    """A finished run."""
    return finished(tmp_path).path


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """A run that goes on, or died."""
    return begun(tmp_path).path


def cut(path: Path) -> None:
    """Leave half of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def edited(folder: Path, **changes: object) -> Path:
    """Change keys of run.json."""
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")
    return folder


def test_a_finished_run_is_read_as_a_whole(done: Path):
    found = read(done)
    assert (found.path, found.version, found.absent) == (done, 2, {})
    assert (found.run.state, found.run.validity, found.results) == ("complete", VALID, (ROW,))
    assert found.present == ("run.json", "requests.parquet", "processes.parquet", "results.csv")
    assert found.requests().to_pylist() == [REQUEST]
    assert found.processes().to_pylist() == [PROCESS]


def test_what_is_no_folder_is_told(tmp_path: Path):
    with pytest.raises(RunFileError, match="nothing is not a folder"):
        read(tmp_path / "nothing")


def test_a_folder_without_run_json_is_told_with_an_example(tmp_path: Path):
    with pytest.raises(RunFileError, match=r"is not a run folder: it has no run\.json.*such as runs/"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["", "{", '{"schema": "sweetspot.run/2"', "\0"])
def test_a_run_json_that_is_none_is_told(done: Path, text: str):
    (done / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(RunFileError, match=r"run\.json cannot be read .*Restore it from a copy"):
        read(done)


def test_half_a_run_json_and_one_that_is_no_text_are_told(done: Path):
    cut(done / "run.json")
    with pytest.raises(RunFileError, match=r"run\.json cannot be read"):
        read(done)
    (done / "run.json").write_bytes(b"\xff\xff")
    with pytest.raises(RunFileError, match=r"run\.json cannot be read"):
        read(done)


@pytest.mark.parametrize("text", ["[]", '"text"', "{}", '{"schema": 2}', '{"schema": "sweetspot.run/20"}'])
def test_an_unknown_schema_is_named_with_those_that_are_known(done: Path, text: str):
    (done / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(RunFileError, match=r"has the schema .* reads 'sweetspot\.run/1' and 'sweetspot\.run/2'"):
        read(done)


def test_a_later_revision_that_only_adds_is_read(done: Path):
    assert read(edited(done, schema=f"{SCHEMA}.1", colour="blue")).run.seed == 7


def test_a_key_of_the_wrong_type_is_named_with_the_file_and_what_to_do(done: Path):
    trial = {"trial": 1, "variant": "v", "block": "one"}
    message = (
        r"run\.json: experiments\.latency\.trials\[0\]\.block: must be a valid integer.*"
        "The file was edited or comes from another version"
    )
    with pytest.raises(RunFileError, match=message):
        read(edited(done, experiments={"latency": {"trials": [trial]}}))


@pytest.mark.parametrize("number", ["1e308", "-1e308", "1e999", "Infinity", "-Infinity", "NaN", "9" * 400, str(2**63)])
def test_a_number_that_nobody_can_have_measured_is_refused(done: Path, number: str):
    path = done / "run.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"seed": 7', f'"seed": {number}'), encoding="utf-8")
    with pytest.raises(
        RunFileError, match=r"run\.json cannot be read \(it says .{1,40}, more than any run can"
    ) as told:
        read(done)
    assert len(str(told.value)) < 500


def test_a_run_json_of_lists_within_lists_is_refused(done: Path):
    (done / "run.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(RunFileError, match=r"run\.json cannot be read"):
        read(done)


def test_of_many_events_only_the_end_is_read(half: Path):
    with (half / "events.jsonl").open("wb") as file:
        file.truncate(1_000_000_000)  # a hole, which takes no room
        file.seek(0, 2)
        file.write(b'\n{"t": "now", "event": "last"}\n' + b"[" * 20_000)
    assert read(half).last_events[-1:] == ("now last",)


@pytest.mark.parametrize("name", NEEDED)
def test_a_finished_run_must_have_its_files(done: Path, name: str):
    (done / name).unlink()
    with pytest.raises(RunFileError, match=f"{name} is missing. Copy the whole run folder"):
        read(done)


@pytest.mark.parametrize("name", [*NEEDED, "processes.parquet"])
def test_a_finished_run_with_a_damaged_file_is_refused(done: Path, name: str):
    (done / name).write_bytes(b"\xff\xff")
    with pytest.raises(RunFileError, match=f"{name} is damaged"):
        read(done)


@by_table
def test_half_a_table_of_a_finished_run_is_damaged(done: Path, name: str):
    cut(done / name)
    with pytest.raises(RunFileError, match=f"{name} is damaged.*Restore it from a copy, or run again"):
        read(done)


@by_table
def test_a_table_whose_pages_are_spoiled_is_damaged_when_it_is_read(done: Path, name: str):
    content = bytearray((done / name).read_bytes())
    content[4:40] = b"\xff" * 36  # behind the magic number; the end, where the schema stands, is whole
    (done / name).write_bytes(content)
    with pytest.raises(RunFileError, match=f"{name} is damaged"):
        TABLES[name](read(done))


@by_table
def test_a_missing_column_is_named(done: Path, name: str):
    table = pq.read_table(done / name)
    pq.write_table(table.drop_columns(["experiment", "trial"]), done / name)
    with pytest.raises(RunFileError, match=f"{name} is damaged: it has no column experiment, trial"):
        TABLES[name](read(done))


@by_table
def test_a_column_of_another_type_is_damage_and_a_column_more_is_none(done: Path, name: str):
    table = pq.read_table(done / name)
    pq.write_table(table.append_column("colour", pa.array(["blue"])), done / name)
    assert TABLES[name](read(done)).num_rows == 1
    pq.write_table(table.set_column(1, "trial", pa.array(["first"])), done / name)
    with pytest.raises(RunFileError, match=f"{name} is damaged"):
        TABLES[name](read(done))


@pytest.mark.parametrize("state", ["running", "interrupted", "failed"])
def test_a_run_that_died_is_read_as_far_as_it_got(half: Path, state: str):
    edited(half, state=state)
    cut(half / "requests.parquet")
    found = read(half)
    assert (found.run.state, found.run.seed, found.results) == (state, 7, None)
    assert found.absent["results.csv"] == "results.csv was not written."
    assert found.absent["requests.parquet"].startswith("requests.parquet is damaged")
    assert str(half) not in found.absent["requests.parquet"]
    assert found.requests().num_rows == 0
    assert found.processes().to_pylist() == [PROCESS]


def test_a_run_that_wrote_nothing_but_its_facts_has_no_rows(half: Path):
    for name in TABLES:
        (half / name).unlink()
    found = read(half)
    assert found.present == ("run.json",)
    assert (found.requests().num_rows, found.processes().num_rows) == (0, 0)
    assert found.requests().column_names == list(REQUEST)


def test_without_its_results_a_run_can_be_read_raw(done: Path):
    (done / "results.csv").unlink()
    found = read(done, raw=True)
    assert (found.results, found.absent, found.requests().num_rows) == (None, {}, 1)


def test_the_last_events_are_told_and_half_a_line_is_passed_over(half: Path):
    lines = [f'{{"t": "T{number}", "event": "stack started", "variant": "v"}}' for number in range(9)]
    (half / "events.jsonl").write_text("\n".join([*lines, "[1]", '{"t": "T10", "ev']), encoding="utf-8")
    assert read(half).last_events == tuple(f"T{number} stack started: variant v" for number in (6, 7, 8))


@pytest.mark.parametrize("name", ["run.json", "requests.parquet", "processes.parquet", "results.csv"])
@pytest.mark.parametrize("device", [False, True])
def test_what_has_no_end_is_not_read(done: Path, name: str, *, device: bool):
    (done / name).unlink()
    if device:
        (done / name).symlink_to("/dev/zero")
    else:
        os.mkfifo(done / name)
    with pytest.raises(RunFileError, match=rf"{name}.*it is a pipe, a socket or a device"):
        read(done).processes()


@pytest.mark.parametrize("rows", [[None], [True, None]])
@pytest.mark.parametrize("name", ["counted", "experiment", "trial", "step", "intended_ns"])
def test_rows_without_what_every_row_has_are_damaged(done: Path, name: str, rows: list[object]):
    """The second: one row alone makes a column of pandas something else than it should be."""
    table = filled(pa.Table.from_pylist([REQUEST if row else REQUEST | {name: None} for row in rows]), REQUESTS)
    pq.write_table(table, done / "requests.parquet")
    with pytest.raises(
        RunFileError, match=rf"requests\.parquet is damaged: its column {name} has rows without a value"
    ):
        read(done).requests()
