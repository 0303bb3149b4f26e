import math

import pyarrow as pa
import pytest

import runfile
from reports import ReportError
from reports.reading import samples
from runfile.columns import REQUESTS, schema_of
from tests.unit.reports.conftest import RECORDED


def request(index, elapsed_ms, **changes):
    intended = index * 1_000_000
    done = None if elapsed_ms is None else intended + int(elapsed_ms * 1e6)
    usual = {
        "experiment": "latency", "trial": 1, "block": 1, "variant": "a", "offered_per_s": 4.0, "counted": True,
        "case": "prediction", "step": 0, "intended_ns": intended, "photo_id": "1", "done_ns": done, "outcome": "ok",
    }  # fmt: skip
    return usual | changes


def curves(rows):
    return samples.curves(pa.Table.from_pylist(rows, schema=schema_of(REQUESTS)), "latency")


def at(curve, share):
    return dict(zip(curve.shares, curve.ms, strict=True))[share]


def test_percentiles_are_order_statistics_from_the_intended_start():
    (curve,) = curves([request(index, index + 1) for index in range(1000)])
    assert (at(curve, 0.5), at(curve, 0.95), at(curve, 0.99)) == (500, 950, 990)
    assert curve.ms[0] == 1


@pytest.mark.parametrize("percentile", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("variant", ["embedded", "model_in_db", "model_as_service"])
def test_the_curve_is_what_results_csv_says(seen, variant, percentile):
    found = seen()
    (curve,) = (each for each in found.curves if each.variant == variant)
    row = found.results.find(variant, "prediction", f"response_p{percentile * 100:.0f}")
    assert at(curve, percentile) == pytest.approx(row.value)


def test_the_curve_of_a_recorded_run_is_what_its_results_csv_says():
    folder = runfile.read(RECORDED / "v1-latency")
    found = samples.curves(folder.requests(), "latency")
    medians = {
        row.variant: row.value
        for row in folder.results
        if (row.case, row.metric, row.offered_per_s) == ("prediction", "response_p50", 10.95)
    }
    assert {curve.variant: at(curve, 0.5) for curve in found} == pytest.approx(medians)


def test_failures_are_infinitely_slow():
    rows = [request(index, 5, outcome="pending" if index % 10 == 0 else "ok") for index in range(200)]
    (curve,) = curves([*rows, request(200, None, outcome="timeout")])
    assert at(curve, 0.5) == 5
    assert at(curve, 0.95) == math.inf


@pytest.mark.parametrize(
    "changes", [{"counted": False}, {"case": "metadata"}, {"experiment": "peers"}, {"offered_per_s": 40.0}]
)
def test_what_was_rejected_other_routes_experiments_and_loads_do_not_count(changes):
    rows = [request(index, 5) for index in range(50)]
    (curve,) = curves(rows + [request(index, 900, **changes) for index in range(50)])
    assert max(curve.ms) == 5


def test_the_curve_ends_where_n_ends():
    (curve,) = curves([request(index, 5) for index in range(50)])
    assert 0.9 in curve.shares
    assert 0.95 not in curve.shares


def test_too_few_requests_give_no_curve():
    assert curves([request(index, 5) for index in range(3)]) == ()
    assert curves([]) == ()


def test_a_curve_stops_at_the_first_percentile_that_is_withheld(seen):
    from tests.unit.reports import simulated

    rows = [
        simulated.row("embedded", "prediction", "response_p50", 24.0, rate=4.0),
        simulated.row("embedded", "prediction", "response_p95", None, verdict="withheld", rate=4.0),
    ]
    (curve,) = seen(rows=rows).curves
    assert curve.variant == "embedded"
    assert 0.9 < curve.shares[-1] < 0.95


def test_a_text_that_is_missing_is_damage():
    with pytest.raises(ReportError, match="damaged"):
        curves([request(index, 5, outcome=None if index else "ok") for index in range(20)])
