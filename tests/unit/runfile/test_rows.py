"""results.csv: what is written is read, and a damaged file is told with its line."""

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runfile import RunFileError, rows
from runfile.rows import RESULTS, SATURATED, WITHHELD, ResultRow

WORDS = st.text(max_size=8)
NUMBERS = st.none() | st.floats(allow_nan=False)
LOADS = st.none() | st.floats(min_value=0, exclude_min=True, allow_infinity=False)
COUNTS = st.none() | st.integers(0, 2**53)
ROWS = st.builds(ResultRow, *[WORDS] * 4, NUMBERS, NUMBERS, NUMBERS, WORDS, COUNTS, WORDS, LOADS)


@given(found=st.lists(ROWS, max_size=4))
def test_rows_survive_the_file(found: list[ResultRow]):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "results.csv"
        rows.write(path, found)
        assert rows.read(path) == tuple(found)
        assert [each.name for each in path.parent.iterdir()] == ["results.csv"]


def test_the_columns_are_the_fields_and_are_written_without_rows_too(tmp_path: Path):
    rows.write(tmp_path / "results.csv", [])
    assert (tmp_path / "results.csv").read_text().strip() == ",".join(RESULTS)
    assert RESULTS == (
        "experiment", "variant", "case", "metric", "value", "low", "high", "unit", "n", "verdict", "offered_per_s",
    )  # fmt: skip


def test_nothing_is_an_empty_field_and_infinity_stays(tmp_path: Path):
    rows.write(tmp_path / "results.csv", [ResultRow("e", "v", "c", "m", math.inf, None, None, "ms", None)])
    assert (tmp_path / "results.csv").read_text().splitlines()[1] == "e,v,c,m,inf,,,ms,,,"


def written(folder: Path, *lines: str) -> Path:
    path = folder / "results.csv"
    path.write_text("\n".join((",".join(RESULTS), *lines)), encoding="utf-8")
    return path


@pytest.mark.parametrize("load", ["", "0", "-4", "nan", "inf"])
def test_a_load_that_is_none_reads_as_none(tmp_path: Path, load: str):
    (row,) = rows.read(written(tmp_path, f"e,v,c,m,nan,1,2,ms,3,,{load}"))
    assert (row.value, row.n, row.offered_per_s) == (None, 3, None)


def test_a_file_of_a_run_without_loads_is_read(tmp_path: Path):
    (tmp_path / "results.csv").write_text(f"{','.join(RESULTS[:-1])}\ne,v,c,m,1,,,ms,3,\n", encoding="utf-8")
    assert rows.read(tmp_path / "results.csv") == (ResultRow("e", "v", "c", "m", 1.0, None, None, "ms", 3),)


@pytest.mark.parametrize("line", ["e,v,c,m,fast,,,ms,3,,", "e,v,c,m,1,,,ms,many,,", "e,v,c,m,1,,,ms,inf,,"])
def test_a_line_that_holds_no_number_where_one_must_be_is_told(tmp_path: Path, line: str):
    path = written(tmp_path, "e,v,c,m,1,,,ms,3,,", line)
    with pytest.raises(RunFileError, match=r"results\.csv is damaged: line 3 holds what is not a number"):
        rows.read(path)


def test_a_missing_column_is_named(tmp_path: Path):
    (tmp_path / "results.csv").write_text("experiment,variant,case,value\n", encoding="utf-8")
    with pytest.raises(RunFileError, match="it has no column metric, low, high, unit, n, verdict"):
        rows.read(tmp_path / "results.csv")


def test_what_is_no_text_is_damaged(tmp_path: Path):
    (tmp_path / "results.csv").write_bytes(b"\xff\xff")
    with pytest.raises(RunFileError, match="is damaged"):
        rows.read(tmp_path / "results.csv")


@pytest.mark.parametrize(
    ("value", "verdict", "known", "unknown"),
    [(2.5, "", True, WITHHELD), (math.inf, "", True, WITHHELD), (None, "", False, WITHHELD),
     (2.5, WITHHELD, False, WITHHELD), (None, SATURATED, False, SATURATED)],
)  # fmt: skip
def test_a_row_knows_whether_there_is_a_value_to_show(value: float | None, verdict: str, *, known: bool, unknown: str):
    row = ResultRow("e", "v", "c", "m", value, None, None, "ms", 3, verdict)
    assert (row.known, row.unknown) == (known, unknown)
