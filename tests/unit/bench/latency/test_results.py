import numpy as np
import pytest

from bench.latency import results
from bench.latency.ratios import NO_FLOOR, Ratio
from bench.latency.results import LAG, LEVELS, STAGES, Row
from bench.machine.limit import Limit
from bench.session.runfolder import RESULTS
from bench.statistics.capacity import Bracket
from bench.statistics.estimates import Estimate
from bench.statistics.quantities import RAW_LIMIT, Quantities, collect
from bench.statistics.steady import Steadiness
from bench.statistics.steps import StepFacts
from tests.unit.bench.toys import request, table

LEVEL = Steadiness(0.0, 0.0, 1.0, 0.0, "steady")
SURE = Estimate(1.3, 1.2, 1.4, 6)


def rows_of(count: int = 20, **more: object) -> list[dict[str, object]]:
    """Good predictions, 12 ms and more, in a random order: a queue that grows would be worth few samples."""
    return [request(done_ms=12 + number, **more) for number in np.random.default_rng(1).permutation(count).tolist()]


def levels(*rows: dict[str, object], skip: set[tuple[str, float]] = frozenset()) -> dict[tuple[object, ...], Row]:
    """The rows of results by variant, case, rate and metric."""
    requests = table(*rows)
    found = results.levels(requests, collect(requests, {}), skip)
    return {(row["variant"], row["case"], row["offered_per_s"], row["metric"]): row for row in found}


def only(rows: list[Row]) -> Row:
    (row,) = rows
    return row


def test_every_row_has_exactly_the_agreed_columns():
    rows = [
        *levels(*rows_of()).values(),
        *results.goodput([StepFacts("v", 1, 4.0, {}, {"page": 1.0}, 5, 0.1)]),
        *results.memory([("v", {"web": 1})]),
        *results.capacities({"v": Bracket(1.0, 2.0, 0.05, ())}),
        *results.comparisons([Ratio("b", "a", "response_p50", 4.0, SURE, NO_FLOOR)], "", "", {}),
        *results.checks([{"title": "t", "value": 1.0, "low": None, "high": None, "unit": "x", "n": 1, "verdict": ""}]),
    ]
    assert {tuple(sorted(row)) for row in rows} == {tuple(sorted(RESULTS))}
    assert {row["experiment"] for row in rows} == {"latency"}


def test_a_percentile_that_the_samples_can_carry_is_shown_with_its_interval_and_the_others_are_withheld():
    found = levels(*rows_of(20))
    p50, p99 = (found["v", "prediction", 4.0, f"response_{p}"] for p in ("p50", "p99"))
    assert (p50["value"], p50["unit"], p50["n"], p50["verdict"]) == (20.0, "ms", 20, "")
    assert p50["low"] < 20.0 < p50["high"]
    assert (p99["value"], p99["n"], p99["verdict"]) == (None, 20, "withheld")


def test_every_variant_case_and_rate_has_its_levels_and_its_share_of_failures():
    found = levels(*rows_of(), *rows_of(offered_per_s=8.0), *rows_of(case="page"), *rows_of(variant="w"))
    places = {key[:3] for key in found}
    assert places == {("v", "prediction", 4.0), ("v", "prediction", 8.0), ("v", "page", 4.0), ("w", "prediction", 4.0)}
    for place in places:
        assert {(*place, metric) for metric in (*LEVELS, "failed_share")} <= set(found)


def test_all_that_is_not_ok_has_failed():
    outcomes = ["ok", "ok", "ok", "pending", "dropped", "wrong", "lost", "refused"]
    found = levels(*[request(outcome=outcome) for outcome in outcomes])["v", "prediction", 4.0, "failed_share"]
    assert (found["value"], found["n"], found["unit"]) == (0.625, 8, "share")


def test_of_a_saturated_step_only_the_lag_and_the_failures_are_shown():
    rows = [*rows_of(400, stage_infer_ms=1.0), *rows_of(400, offered_per_s=8.0)]
    found = levels(*rows, skip={("v", "prediction", 4.0)})
    full = {key[3]: row for key, row in found.items() if key[2] == 4.0}
    shown = {metric for metric, row in full.items() if row["value"] is not None}
    assert shown == {LAG, "failed_share"}
    assert {metric for metric, row in full.items() if row["verdict"] == "saturated"} == {*full} - shown
    assert full["response_p50"]["n"] == 400
    assert full["response_p50"]["low"] is full["response_p50"]["high"] is None
    assert found["v", "prediction", 8.0, "response_p50"]["value"] is not None


def test_bystanders_keep_their_percentiles_while_only_predictions_pile_up():
    found = levels(*rows_of(), *rows_of(case="page"), skip={("v", "prediction", 4.0)})
    assert found["v", "page", 4.0, "response_p50"]["value"] is not None


def test_stages_are_those_of_predictions_and_only_where_they_are_reported():
    found = levels(*rows_of(stage_infer_ms=1.0), *rows_of(case="page", stage_app_ms=1.0))
    stages = {key for key in found if key[3] in STAGES}
    assert stages == {("v", "prediction", 4.0, "stage_infer_p50")}


def test_the_raw_limit_has_rows_for_what_was_measured_at_both_paces():
    limits = {(1, case): Limit({"response": [3.0] * 10}, "cpu") for case in ("prediction", "back to back")}
    found = results.raw_limit(collect(table(), limits))
    assert {(row["variant"], row["case"], row["metric"]) for row in found} == {
        (RAW_LIMIT, case, f"response_{p}") for case in ("prediction", "back to back") for p in ("p50", "p95", "p99")
    }
    assert {row["offered_per_s"] for row in found} == {None}
    assert results.raw_limit(Quantities()) == []


def test_goodput_is_the_mean_over_blocks_also_of_a_block_without_a_good_answer():
    steps = [StepFacts("v", block, 4.0, {}, good, 1, None) for block, good in enumerate(({"page": 3.0}, {}))]
    row = only(results.goodput([*steps]))
    assert (row["metric"], row["case"], row["value"], row["n"], row["unit"]) == ("goodput", "page", 1.5, 2, "1/s")
    assert row["offered_per_s"] == 4.0
    assert row["low"] < 1.5 < row["high"]


def test_the_goodput_of_a_single_block_has_no_interval():
    row = only(results.goodput([StepFacts("v", 1, 4.0, {}, {"page": 3.0}, 1, None)]))
    assert (row["value"], row["low"], row["high"], row["n"]) == (3.0, None, None, 1)


def test_cpu_seconds_are_per_thousand_good_answers_of_the_blocks_that_know_them():
    steps = [StepFacts("v", 1, 4.0, {}, {}, good, cpu_s) for good, cpu_s in ((10, 0.2), (30, 0.2), (999, None))]
    row = only(results.goodput(steps))
    assert (row["metric"], row["case"], row["value"], row["n"], row["unit"]) == ("cpu_s_per_1000", "all", 10.0, 40, "s")


def test_nobody_pays_for_no_answers():
    assert results.goodput([StepFacts("v", 1, 4.0, {}, {}, 0, 0.2)]) == []


def test_steps_are_listed_by_variant_and_rate():
    steps = [
        StepFacts(name, 1, rate, {}, {"page": 1.0}, 0, None) for name, rate in (("w", 4.0), ("v", 8.0), ("v", 4.0))
    ]
    assert [(row["variant"], row["offered_per_s"]) for row in results.goodput(steps)] == [
        ("v", 4.0), ("v", 8.0), ("w", 4.0),
    ]  # fmt: skip


def test_memory_is_that_of_all_processes_and_the_mean_over_trials():
    rows = results.memory([("v", {"web": 2_000_000, "model": 4_000_000}), ("v", {"web": 2_000_000}), ("w", {"web": 0})])
    assert [(row["variant"], row["value"], row["n"], row["unit"]) for row in rows] == [
        ("v", 4.0, 2, "MB"), ("w", 0.0, 1, "MB"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(4.0, 8.0, "bracket"), (4.0, None, "bracket"), (None, 8.0, "bracket"), (None, None, "undecided")],
)
def test_a_capacity_is_a_bracket_without_a_value(low: float | None, high: float | None, verdict: str):
    row = only(results.capacities({"v": Bracket(low, high, 0.05, ())}))
    assert (row["value"], row["low"], row["high"], row["verdict"]) == (None, low, high, verdict)


def test_ratios_say_whether_they_are_claimed_and_the_floor_is_a_ratio_of_its_own():
    floor = Estimate(1.0, 1 / 1.05, 1.05, 6)
    table = [Ratio("b", "a", "response_p50", 4.0, estimate, floor) for estimate in (SURE, Estimate(1.0, 0.9, 1.1, 6))]
    rows = results.comparisons(table, "a again", "a", {("response_p95", 8.0): floor})
    assert [(row["variant"], row["metric"], row["offered_per_s"], row["value"], row["verdict"]) for row in rows] == [
        ("b", "response_p50 / a", 4.0, 1.3, "claimed"),
        ("b", "response_p50 / a", 4.0, 1.0, "within the noise"),
        ("a again", "response_p95 / a", 8.0, 1.0, ""),
    ]


def test_a_check_keeps_its_verdict():
    check = {"title": "quick", "value": np.float64(1.0), "low": 0.9, "high": 1.1, "unit": "x", "n": 6, "verdict": "met"}
    row = only(results.checks([{**check, "limit": 2.0, "note": ""}]))
    assert (row["metric"], row["value"], row["low"], row["high"], row["n"], row["verdict"]) == (
        "check: quick", 1.0, 0.9, 1.1, 6, "met",
    )  # fmt: skip
