import numpy as np
import pytest

from bench.machine.limit import Limit
from bench.statistics import estimates
from bench.statistics.quantities import RAW_LIMIT, Quantities, collect, parse
from tests.unit.bench.toys import request, table

KEY = ("v", "prediction", 4.0)


def one(found: Quantities, quantity: str) -> list[float]:
    """The samples of block 1 at the only rate."""
    return found.blocks((*KEY, quantity)).get(1, np.empty(0)).tolist()


def test_response_counts_from_the_intended_time_and_service_from_the_sent_one():
    found = collect(table(request(intended_ms=1, sent_ms=2, done_ms=12)), {})
    assert [one(found, quantity) for quantity in ("response", "service", "lag")] == [[11.0], [10.0], [1.0]]


@pytest.mark.parametrize(
    "outcome", ["pending", "degraded", "refused", "error", "wrong", "reset", "timeout", "unsent", "lost"]
)
def test_whatever_is_not_the_right_answer_is_infinitely_slow_and_has_no_service_time(outcome: str):
    found = collect(table(request(outcome=outcome, stage_infer_ms=1.0)), {})
    assert one(found, "response") == [np.inf]
    assert one(found, "service") == one(found, "stage_infer") == []
    assert one(found, "lag") == [1.0]


def test_a_dropped_request_counts_as_failed_and_has_no_lag():
    found = collect(table(request(outcome="dropped", sent_ms=None, done_ms=None)), {})
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
    found = collect(table(*rows), {})
    assert {block: values.tolist() for block, values in found.blocks((*KEY, "response")).items()} == {
        1: [30.0, 20.0], 2: [40.0],
    }  # fmt: skip
    others = [("v", "prediction", 8.0), ("v", "page", 4.0), ("w", "prediction", 4.0)]
    assert [found.blocks((*key, "response"))[1].tolist() for key in others] == [[50.0], [60.0], [70.0]]
    assert found.blocks(("w", "page", 4.0, "response")) == {}


def test_low_load_is_the_lowest_rate_that_a_variant_was_offered():
    found = collect(table(*[request(offered_per_s=rate) for rate in (8.0, 2.0, 4.0)], request(variant="w")), {})
    assert found.rates("v") == [2.0, 4.0, 8.0]
    assert (found.low("v"), found.low("w"), found.low("nobody")) == (2.0, 4.0, 0.0)


def test_a_percentile_by_block_is_that_of_low_load_unless_a_rate_is_given():
    rows = [
        request(done_ms=2 + block * rate, block=block, offered_per_s=rate)
        for block in (1, 2)
        for rate in (8.0, 4.0)
        for _ in range(6)
    ]
    found = collect(table(*rows), {})
    assert found.by_block("v", "prediction", "service_p50") == {1: 4.0, 2: 8.0}
    assert found.by_block("v", "prediction", "service_p50", 8.0) == {1: 8.0, 2: 16.0}


def test_a_block_with_too_few_samples_is_left_out():
    rows = [request(block=block) for block, count in ((1, 5), (2, 6)) for _ in range(count)]
    assert list(collect(table(*rows), {}).by_block("v", "prediction", "service_p50")) == [2]


def test_a_level_is_over_all_blocks_and_withheld_where_there_is_nothing():
    rows = [request(done_ms=2 + block, block=block) for block in (1, 2) for _ in range(6)]
    found = collect(table(*rows), {})
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


def test_stages_and_the_raw_limit_are_quantities_too():
    limit = Limit({"response": [3.0], "stage_infer": [2.0]}, "cpu")
    found = collect(table(request(stage_infer_ms=7.0), request()), {(2, "prediction"): limit})
    assert one(found, "stage_infer") == [7.0]
    assert one(found, "stage_queue") == []
    assert found.blocks((RAW_LIMIT, "prediction", 0.0, "response"))[2].tolist() == [3.0]
    assert found.blocks((RAW_LIMIT, "prediction", 0.0, "stage_infer"))[2].tolist() == [2.0]


@pytest.mark.parametrize(("metric", "expected"), [("response_p50", 0.5), ("lag_p99", 0.99), ("response_p999", 0.999)])
def test_a_metric_names_its_percentile(metric: str, expected: float):
    assert parse(metric) == (metric.rpartition("_")[0], expected)


@pytest.mark.parametrize("metric", ["response", "response_p", "_p50", "response_pmax"])
def test_what_is_no_percentile_is_refused(metric: str):
    with pytest.raises(ValueError, match="is no percentile such as"):
        parse(metric)
