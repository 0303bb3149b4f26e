from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.latency import results
from bench.latency.conclude import conclude
from bench.latency.ratios import NO_FLOOR, fact
from bench.latency.results import LAG, LEVELS, STAGES
from bench.statistics.estimates import Estimate
from bench.statistics.quantities import RAW_LIMIT, Quantities, collect
from bench.statistics.steps import StepFacts
from runfile.facts import Capacity, Check, Trial
from runfile.rows import ResultRow
from tests.unit.bench.latency.made_up import SMALLEST, climb, numbers, raw, turns
from tests.unit.bench.toys import request, table

SURE = Estimate(1.3, 1.2, 1.4, 6)
STEP = StepFacts("v", 1, 4.0, {}, {}, 0.0, 0, None)
BEYOND = {0.3: 4.0, 0.5: 4.0, 0.9: 4.0, 1.3: 4.0, 2.0: 4.0}


def rows_of(count: int = 20, **more: object) -> list[dict[str, object]]:
    """Good predictions, 12 ms and more, in a random order: a queue that grows would be worth few samples."""
    return [request(done_ms=12 + number, **more) for number in np.random.default_rng(1).permutation(count).tolist()]


def levels(*rows: dict[str, object], skip: set[tuple[str, str, float]] = frozenset()) -> dict[tuple, ResultRow]:
    """The rows of results by variant, case, rate and metric."""
    requests = table(*rows)
    found = results.levels(requests, collect(requests, []), skip)
    return {(row.variant, row.case, row.offered_per_s, row.metric): row for row in found}


def only(rows: list[ResultRow], metric: str = "") -> ResultRow:
    (row,) = [row for row in rows if metric in {"", row.metric}]
    return row


def test_everything_is_a_row_of_this_experiment():
    steps = [replace(STEP, goodput={"page": 1.0}, good=5, cpu_s=0.1)]
    rows = [
        *levels(*rows_of()).values(),
        *results.steps_of(steps),
        *results.memory([Trial(1, 1, "", memory_bytes={"v/web": 1})]),
        *results.capacities([Capacity("v", 1.0, 2.0, 0.05, 250.0, 0.05)]),
        *results.comparisons([fact("b", "a", "response_p50", 4.0, SURE, NO_FLOOR)], "", "", {}),
        *results.checks([Check("t", 1.0, None, None, 2.0, "x", 1, "met")]),
        *conclude(raw(turns(), climb())).rows,
    ]
    assert {type(row) for row in rows} == {ResultRow}
    assert {row.experiment for row in rows} == {"latency"}


def test_a_percentile_that_the_samples_can_carry_is_shown_with_its_interval_and_the_others_are_withheld():
    found = levels(*rows_of(20))
    p50, p99 = (found["v", "prediction", 4.0, f"response_{p}"] for p in ("p50", "p99"))
    assert (p50.value, p50.unit, p50.n, p50.verdict) == (20.0, "ms", 20, "")
    assert p50.low < 20.0 < p50.high
    assert (p99.value, p99.n, p99.verdict) == (None, 20, "withheld")


def test_every_variant_case_and_rate_has_its_levels_and_its_share_of_failures():
    found = levels(*rows_of(), *rows_of(offered_per_s=8.0), *rows_of(case="page"), *rows_of(variant="w"))
    places = {key[:3] for key in found}
    assert places == {("v", "prediction", 4.0), ("v", "prediction", 8.0), ("v", "page", 4.0), ("w", "prediction", 4.0)}
    for place in places:
        assert {(*place, metric) for metric in (*LEVELS, "failed_share")} <= set(found)


def test_all_that_is_not_ok_has_failed():
    outcomes = ["ok", "ok", "ok", "pending", "dropped", "wrong", "lost", "refused"]
    found = levels(*[request(outcome=outcome) for outcome in outcomes])["v", "prediction", 4.0, "failed_share"]
    assert (found.value, found.n, found.unit) == (0.625, 8, "share")


def test_of_a_saturated_step_only_the_lag_and_the_failures_are_shown():
    rows = [*rows_of(400, stage_infer_ms=1.0), *rows_of(400, offered_per_s=8.0)]
    found = levels(*rows, skip={("v", "prediction", 4.0)})
    full = {key[3]: row for key, row in found.items() if key[2] == 4.0}
    shown = {metric for metric, row in full.items() if row.value is not None}
    assert shown == {LAG, "failed_share"}
    assert {metric for metric, row in full.items() if row.verdict == "saturated"} == {*full} - shown
    assert full["response_p50"].n == 400
    assert full["response_p50"].low is full["response_p50"].high is None
    assert found["v", "prediction", 8.0, "response_p50"].value is not None


def test_bystanders_keep_their_percentiles_while_only_predictions_pile_up():
    found = levels(*rows_of(), *rows_of(case="page"), skip={("v", "prediction", 4.0)})
    assert found["v", "page", 4.0, "response_p50"].value is not None


def test_stages_are_those_of_predictions_and_only_where_they_are_reported():
    found = levels(*rows_of(stage_infer_ms=1.0), *rows_of(case="page", stage_app_ms=1.0))
    stages = {key for key in found if key[3] in STAGES}
    assert stages == {("v", "prediction", 4.0, "stage_infer_p50")}


def test_the_bare_model_has_rows_at_every_pace_that_it_had_and_none_of_a_variant():
    rows = [*rows_of(variant=RAW_LIMIT), *rows_of(variant=RAW_LIMIT, case="back to back", offered_per_s=None)]
    found = results.raw_limit(collect(table(*rows), []))
    assert {(row.case, row.metric, row.offered_per_s) for row in found} == {
        (case, f"response_{p}", rate)
        for case, rate in (("prediction", 4.0), ("back to back", None))
        for p in ("p50", "p95", "p99")
    }
    assert {row.variant for row in found} == {RAW_LIMIT}
    assert only([row for row in found if row.case == "back to back"], "response_p50").value == 20.0
    assert results.raw_limit(Quantities()) == []
    assert levels(*rows) == {}


def test_goodput_and_backlog_are_means_over_blocks_also_of_a_block_without_a_good_answer():
    steps = [replace(STEP, block=1, goodput={"page": 3.0}, backlog=2.0), replace(STEP, block=2)]
    rows = results.steps_of(steps)
    goodput, backlog = only(rows, "goodput"), only(rows, "backlog")
    assert (goodput.case, goodput.value, goodput.n, goodput.unit, goodput.offered_per_s) == ("page", 1.5, 2, "1/s", 4.0)
    assert (backlog.case, backlog.value, backlog.n, backlog.unit) == ("prediction", 1.0, 2, "requests")
    assert goodput.low == backlog.low == 0.0  # not below nothing, though a t interval knows no bound
    assert goodput.high > 1.5


def test_the_goodput_of_a_single_block_has_no_interval():
    row = only(results.steps_of([replace(STEP, goodput={"page": 3.0})]), "goodput")
    assert (row.value, row.low, row.high, row.n) == (3.0, None, None, 1)


@given(good=st.lists(st.floats(0, 8), min_size=1, max_size=8))
def test_neither_goodput_nor_its_interval_lies_above_what_was_offered_or_below_nothing(good: list[float]):
    """More than was offered may arrive in the second half of a step, by chance."""
    steps = [replace(STEP, block=block, goodput={"prediction": value}) for block, value in enumerate(good)]
    row = only(results.steps_of(steps), "goodput")
    assert all(0 <= value <= STEP.rate for value in (row.value, row.low, row.high) if value is not None)


def test_beyond_capacity_goodput_falls_and_the_backlog_rises_however_long_the_step_lasts():
    rows = {seconds: conclude(raw(climb(loads={0.5: 4.0, 2.0: seconds}))) for seconds in (4.0, 8.0)}
    for concluded in rows.values():
        goodput = {rate: row.value for (_, rate), row in numbers(concluded, "goodput").items()}
        assert goodput[50.0] == pytest.approx(50.0, rel=0.2)
        assert goodput[200.0] == 0.0
    backlog = [numbers(each, "backlog")["one", 200.0].value for each in rows.values()]
    assert backlog == pytest.approx([4 * 100, 8 * 100], rel=0.1)  # twice what it carries, for so long


def test_cpu_of_an_answer_does_not_fall_above_capacity_for_late_answers_are_paid_too():
    """A server that needs 10 ms of CPU for each needs 10 s for a thousand, at any load."""
    cost = numbers(conclude(raw(*[climb(block, loads=BEYOND) for block in (1, 2)])), "cpu_s_per_1000", "all")
    assert [rate for _, rate in cost] == [30.0, 50.0, 90.0, 130.0, 200.0]
    assert [row.value for row in cost.values()] == pytest.approx([10.0] * 5, rel=0.12)


def test_cpu_seconds_are_per_thousand_good_answers_of_the_blocks_that_know_them():
    steps = [replace(STEP, good=good, cpu_s=cpu_s) for good, cpu_s in ((10, 0.2), (30, 0.2), (999, None))]
    row = only(results.steps_of(steps), "cpu_s_per_1000")
    assert (row.case, row.value, row.n, row.unit) == ("all", 10.0, 40, "s")


def test_nobody_pays_for_no_answers():
    assert {row.metric for row in results.steps_of([replace(STEP, cpu_s=0.2)])} == {"backlog"}


def test_steps_are_listed_by_variant_and_rate():
    steps = [replace(STEP, variant=name, rate=rate) for name, rate in (("w", 4.0), ("v", 8.0), ("v", 4.0))]
    assert [(row.variant, row.offered_per_s) for row in results.steps_of(steps)] == [
        ("v", 4.0), ("v", 8.0), ("w", 4.0),
    ]  # fmt: skip


def test_memory_is_that_of_all_processes_of_an_arm_and_the_mean_over_trials():
    together = {"v/web": 2_000_000, "v/model": 4_000_000, "w again/web": 3_000_000}
    rows = results.memory([Trial(1, 1, "", memory_bytes=together), Trial(2, 1, "v", memory_bytes={"v/web": 2_000_000})])
    assert [(row.variant, row.value, row.n, row.unit) for row in rows] == [
        ("v", 4.0, 2, "MB"), ("w again", 3.0, 1, "MB"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(4.0, 8.0, "bracket"), (4.0, None, "bracket"), (None, 8.0, "bracket"), (None, None, "undecided")],
)
def test_a_capacity_is_a_bracket_without_a_value(low: float | None, high: float | None, verdict: str):
    row = only(results.capacities([Capacity("v", low, high, 0.05, 250.0, 0.05)]))
    assert (row.value, row.low, row.high, row.verdict) == (None, low, high, verdict)


def test_ratios_say_whether_they_are_claimed_and_the_floor_is_a_ratio_of_its_own():
    floor = Estimate(1.0, 1 / 1.05, 1.05, 6)
    estimates = (SURE, Estimate(1.0, 0.9, 1.1, 6))
    table = [fact("b", "a", "response_p50", 4.0, estimate, floor) for estimate in estimates]
    rows = results.comparisons(table, "a again", "a", {("response_p95", 8.0): floor})
    assert [(row.variant, row.metric, row.offered_per_s, row.value, row.verdict) for row in rows] == [
        ("b", "response_p50 / a", 4.0, 1.3, "claimed"),
        ("b", "response_p50 / a", 4.0, 1.0, "within the noise"),
        ("a again", "response_p95 / a", 8.0, 1.0, ""),
    ]


def test_a_check_keeps_its_verdict():
    row = only(results.checks([Check("quick", 1.0, 0.9, 1.1, 2.0, "x", 6, "met")]))
    assert (row.metric, row.value, row.low, row.high, row.n, row.verdict) == ("check: quick", 1.0, 0.9, 1.1, 6, "met")


def test_the_numbers_of_turns_stand_at_low_load_and_those_of_a_staircase_at_its_own_rates():
    found = numbers(conclude(raw(turns(), climb(loads={0.5: 2.0}))), "response_p50")
    assert set(found) == {("one", 20.0), ("two", 20.0), ("one", 50.0)}
    assert found["two", 0.2 * SMALLEST].value == pytest.approx(10.1)
