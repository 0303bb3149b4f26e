import numpy as np
import pytest

from bench.machine.limit import Limit
from bench.statistics import estimates
from bench.statistics.quantities import RAW_LIMIT, Quantities, collect, paired, parse
from runfile.facts import Step, Trial
from tests.unit.bench.toys import request, table

KEY = ("v", "prediction", 4.0)


def one(found: Quantities, quantity: str) -> list[float]:
    """The samples of block 1 at the only rate."""
    return found.blocks((*KEY, quantity)).get(1, np.empty(0)).tolist()


def test_response_counts_from_the_intended_time_and_service_from_the_sent_one():
    found = collect(table(request(intended_ms=1, sent_ms=2, done_ms=12)), [])
    assert [one(found, quantity) for quantity in ("response", "service", "lag")] == [[11.0], [10.0], [1.0]]


@pytest.mark.parametrize(
    "outcome", ["pending", "degraded", "refused", "error", "wrong", "reset", "timeout", "unsent", "lost"]
)
def test_whatever_is_not_the_right_answer_is_infinitely_slow_and_has_no_service_time(outcome: str):
    found = collect(table(request(outcome=outcome, stage_infer_ms=1.0)), [])
    assert one(found, "response") == [np.inf]
    assert one(found, "service") == one(found, "stage_infer") == []
    assert one(found, "lag") == [1.0]


def test_a_dropped_request_counts_as_failed_and_has_no_lag():
    found = collect(table(request(outcome="dropped", sent_ms=None, done_ms=None)), [])
    assert one(found, "response") == [np.inf]
    assert one(found, "lag") == []


def test_variants_cases_rates_and_blocks_are_kept_apart_and_in_the_order_of_sending():
    rows = [
        request(done_ms=done, variant=variant, case=case, offered_per_s=rate, block=block)
        for variant, case, rate, block, done in [
            ("v", "prediction", 4.0, 1, 31), ("v", "prediction", 4.0, 1, 21), ("v", "prediction", 4.0, 2, 41),
            ("v", "prediction", 8.0, 1, 51), ("v", "page", 4.0, 1, 61), ("w", "prediction", 4.0, 1, 71),
        ]
    ]  # fmt: skip
    found = collect(table(*rows), [])
    assert {block: values.tolist() for block, values in found.blocks((*KEY, "response")).items()} == {
        1: [30.0, 20.0], 2: [40.0],
    }  # fmt: skip
    others = [("v", "prediction", 8.0), ("v", "page", 4.0), ("w", "prediction", 4.0)]
    assert [found.blocks((*key, "response"))[1].tolist() for key in others] == [[50.0], [60.0], [70.0]]
    assert found.blocks(("w", "page", 4.0, "response")) == {}


def test_low_load_is_the_lowest_rate_that_a_variant_was_offered():
    found = collect(table(*[request(offered_per_s=rate) for rate in (8.0, 2.0, 4.0)], request(variant="w")), [])
    assert found.rates("v") == [2.0, 4.0, 8.0]
    assert (found.low("v"), found.low("w"), found.low("nobody")) == (2.0, 4.0, 0.0)


def test_a_percentile_by_block_is_that_of_low_load_unless_a_rate_is_given():
    rows = [
        request(done_ms=2 + block * rate, block=block, offered_per_s=rate)
        for block in (1, 2)
        for rate in (8.0, 4.0)
        for _ in range(6)
    ]
    found = collect(table(*rows), [])
    assert found.by_block("v", "prediction", "service_p50") == {1: 4.0, 2: 8.0}
    assert found.by_block("v", "prediction", "service_p50", 8.0) == {1: 8.0, 2: 16.0}


def test_a_block_with_too_few_samples_is_left_out():
    rows = [request(block=block) for block, count in ((1, 5), (2, 6)) for _ in range(count)]
    assert list(collect(table(*rows), []).by_block("v", "prediction", "service_p50")) == [2]


def test_a_level_is_over_all_blocks_and_withheld_where_there_is_nothing():
    rows = [request(done_ms=2 + block, block=block) for block in (1, 2) for _ in range(6)]
    found = collect(table(*rows), [])
    level = found.level("v", "prediction", "service_p50", 4.0)
    assert (level.value, level.n) == (1.0, 12)
    nothing = found.level("v", "page", "service_p50", 4.0)
    assert (nothing.value, nothing.n) == (None, 0)


def test_the_interval_of_a_level_is_that_of_as_many_samples_as_are_independent_within_each_block():
    rng = np.random.default_rng(1)
    walks = [10 + np.cumsum(rng.normal(size=200)) / 10 for _ in range(2)]
    found = Quantities()
    for block, walk in enumerate(walks):
        found.add((*KEY, "response"), block, walk)
    above = [walk >= np.quantile(walk, 0.5, method="inverted_cdf") for walk in walks]
    independent, pooled = sum(estimates.effective_size(each) for each in above), np.concatenate(walks)
    assert independent < 100
    assert found.level(*KEY[:2], "response_p50", 4.0) == estimates.percentile(pooled, 0.5, independent)


@pytest.mark.parametrize(("count", "independent"), [(29, 29), (30, 1)])
def test_of_a_few_samples_nobody_can_tell_that_they_depend_on_each_other(count: int, independent: int):
    rising = np.arange(float(count))
    assert estimates.effective_size(rising) < 6  # far too few for an interval
    found = Quantities()
    found.add((*KEY, "response"), 1, rising)
    assert found.level(*KEY[:2], "response_p50", 4.0) == estimates.percentile(rising, 0.5, independent)


def test_stages_are_quantities_too_and_so_is_the_raw_limit():
    limit = Limit([3_000_000], [1_000_000], [2_000_000], "cpu")
    (bare,) = limit.rows(0, 4.0)
    found = collect(table(request(stage_infer_ms=7.0), request(), request(block=2, variant=RAW_LIMIT, **bare)), [])
    assert one(found, "stage_infer") == [7.0]
    assert one(found, "stage_queue") == []
    key = (RAW_LIMIT, "prediction", 4.0)
    quantities = ("response", "service", "stage_decode", "stage_infer")
    assert [found.blocks((*key, name))[2].tolist() for name in quantities] == [[3.0], [3.0], [1.0], [2.0]]


def turns(trial: int, rounds: int, *variants: str) -> Trial:
    """A trial in which variants take turns, one step after the other."""
    order = [(number, name) for number in range(1, rounds + 1) for name in variants]
    steps = (Step(step, float(step), 0.8, 4.0, variant=name, round=of) for step, (of, name) in enumerate(order))
    return Trial(trial, 1, "", steps=tuple(steps))


def answers(trial: Trial, took: dict[tuple[str, int], list[float]], block: int = 1) -> list[dict[str, object]]:
    """Rows of a trial from milliseconds by variant and round, the last round first."""
    at = {(step.variant, step.round): step.step for step in trial.steps}
    return [
        request(0, 0, ms, trial=trial.trial, block=block, variant=name, step=at[name, number])
        for (name, number), times in reversed(took.items())
        for ms in times
    ]


def test_where_variants_took_turns_each_round_has_its_percentile_however_few_requests_it_had():
    trial = turns(1, 2, "v", "w")
    took = {("v", 1): [3.0, 1.0, 2.0], ("w", 1): [9.0], ("v", 2): [6.0, 5.0], ("w", 2): [7.0]}
    found = collect(table(*answers(trial, took)), [trial])
    assert list(found.by_round("v", "prediction", "service_p50", 4.0)[1].values()) == [2.0, 5.0]
    assert list(found.by_round("w", "prediction", "service_p50", 4.0)[1].values()) == [9.0, 7.0]
    assert found.by_round("v", "page", "service_p50", 4.0) == {}


def test_a_block_is_worth_the_median_over_its_rounds_so_that_a_spoiled_second_moves_nothing():
    trial = turns(1, 3, "v")
    took = {("v", 1): [10.0] * 20, ("v", 2): [500.0] * 60, ("v", 3): [12.0, 12.0]}
    found = collect(table(*answers(trial, took)), [trial])
    assert found.by_block("v", "prediction", "service_p50") == {1: 12.0}


def test_a_higher_percentile_of_a_block_is_over_all_of_its_rounds_and_needs_enough_of_them():
    trial = turns(1, 2, "v")
    took = {("v", 1): list(np.arange(1.0, 41.0)), ("v", 2): list(np.arange(41.0, 81.0))}
    found = collect(table(*answers(trial, took)), [trial])
    assert found.by_block("v", "prediction", "service_p95") == {1: 76.0}
    assert found.by_block("v", "prediction", "service_p99") == {}
    assert found.level("v", "prediction", "service_p95", 4.0).n == 80


def test_rounds_of_different_trials_of_a_block_are_different_rounds():
    """Another trial measured again what the first one's generator had spoiled."""
    first, second = turns(1, 2, "v"), turns(2, 1, "v")
    rows = [*answers(first, {("v", 1): [1.0], ("v", 2): [2.0]}), *answers(second, {("v", 1): [3.0]})]
    found = collect(table(*rows), [first, second])
    assert list(found.by_round("v", "prediction", "service_p50", 4.0)[1].values()) == [1.0, 2.0, 3.0]
    assert found.by_block("v", "prediction", "service_p50") == {1: 2.0}


def test_a_round_that_failed_is_infinitely_slow_and_moves_the_block_no_further_than_one_round_can():
    trial = turns(1, 3, "v")
    rows = answers(trial, {("v", 1): [3.0], ("v", 2): [4.0], ("v", 3): [5.0]})
    rows[0]["outcome"] = "timeout"  # that of the third round
    found = collect(table(*rows), [trial])
    assert sorted(found.by_round("v", "prediction", "response_p50", 4.0)[1].values()) == [3.0, 4.0, np.inf]
    assert found.by_block("v", "prediction", "response_p50") == {1: 4.0}


def test_only_rounds_that_both_have_are_paired_and_only_blocks_with_such_rounds():
    left = {1: {1: 10.0, 2: 20.0, 3: 30.0}, 2: {4: 5.0}, 3: {5: 1.0}, 4: {6: 7.0}}
    right = {4: {6: 3.5}, 1: {3: 3.0, 1: 1.0}, 2: {7: 5.0}}
    pairs = [(over.tolist(), under.tolist()) for over, under in paired(left, right)]
    assert pairs == [([10.0, 30.0], [1.0, 3.0]), ([7.0], [3.5])]
    assert paired({}, right) == []


@pytest.mark.parametrize(("metric", "expected"), [("response_p50", 0.5), ("lag_p99", 0.99), ("response_p999", 0.999)])
def test_a_metric_names_its_percentile(metric: str, expected: float):
    assert parse(metric) == (metric.rpartition("_")[0], expected)


@pytest.mark.parametrize("metric", ["response", "response_p", "_p50", "response_pmax"])
def test_what_is_no_percentile_is_refused(metric: str):
    with pytest.raises(ValueError, match="is no percentile such as"):
        parse(metric)
