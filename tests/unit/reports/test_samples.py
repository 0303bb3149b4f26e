import math

import pyarrow as pa
import pytest
from pyarrow import parquet

from reports import ReportError, samples


def request(index, elapsed_ms, *, variant="a", case="prediction", outcome="ok", block=0):
    intended = index * 1_000_000
    done = None if elapsed_ms is None else intended + int(elapsed_ms * 1e6)
    return {
        "block": block, "variant": variant, "case": case, "intended_ns": intended, "done_ns": done, "outcome": outcome,
    }  # fmt: skip


def read(build, rows):
    return samples.read(build(requests=rows) / "requests.parquet")


def test_percentiles_are_order_statistics_from_the_intended_start(build):
    (curve,) = read(build, [request(index, index + 1) for index in range(1000)])
    assert curve.n == 1000
    assert (curve.at(0.5), curve.at(0.95), curve.at(0.99)) == (500, 950, 990)
    assert curve.ms[0] == 1


def test_failures_are_infinitely_slow(build):
    rows = [request(index, 5, outcome="pending" if index % 10 == 0 else "ok") for index in range(200)]
    (curve,) = read(build, [*rows, request(200, None, outcome="timeout")])
    assert curve.at(0.5) == 5
    assert curve.at(0.95) == math.inf


def test_warm_up_and_other_routes_do_not_count(build):
    rows = [request(index, 5) for index in range(50)]
    noise = [request(-1, 900), *(request(index, 900, case="metadata") for index in range(50))]
    (curve,) = read(build, rows + noise)
    assert curve.n == 50
    assert max(curve.ms) == 5


def test_the_curve_ends_where_n_ends(build):
    (curve,) = read(build, [request(index, 5) for index in range(50)])
    assert curve.at(0.9) == 5
    assert curve.at(0.95) is None


def test_too_few_requests_give_no_curve(build):
    assert read(build, [request(index, 5) for index in range(3)]) == ()


def test_every_block_can_be_asked_alone(build):
    rows = [request(index, 5 + 10 * (index % 2), block=index % 2) for index in range(40)]
    (curve,) = read(build, rows)
    assert (curve.in_block(0, 0.95), curve.in_block(1, 0.95)) == (5, 15)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not a table at all"])
def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / "requests.parquet").write_bytes(content)
    with pytest.raises(ReportError, match="damaged"):
        samples.read(tmp_path / "requests.parquet")


def test_a_missing_column_is_refused(build):
    with pytest.raises(ReportError, match="damaged"):
        read(build, [{"variant": "a"}])


def test_a_text_that_is_missing_is_damage(build):
    with pytest.raises(ReportError, match="damaged"):
        read(build, [request(index, 5, outcome=None if index else "ok") for index in range(20)])


def test_a_run_without_a_trial_has_no_curve(tmp_path):
    texts, numbers = ("variant", "case", "outcome"), ("block", "intended_ns", "done_ns")
    schema = pa.schema([*((name, pa.string()) for name in texts), *((name, pa.int64()) for name in numbers)])
    parquet.write_table(schema.empty_table(), tmp_path / "requests.parquet")
    assert samples.read(tmp_path / "requests.parquet") == ()


def test_only_the_lowest_step_counts(build):
    rows = [request(index, 5 + 100 * step) | {"step": step} for step in (-1, 0, 1) for index in range(50)]
    (curve,) = read(build, rows)
    assert curve.n == 50
    assert max(curve.ms) == 5
