import numpy as np
import pytest

from bench.latency.ratios import (
    NO_FLOOR,
    Ratio,
    crossover,
    floor_for,
    floors,
    ratio,
    ratios,
)
from bench.statistics.estimates import Estimate
from bench.statistics.quantities import Quantities

P50, P95 = "response_p50", "response_p95"
FLOOR = Estimate(1.0, 1 / 1.05, 1.05, 6)
SPREAD = np.array([0.98, 1.0, 1.02, 1.01, 0.99, 1.0])  # six blocks, within 2 %


def measured(levels: dict[tuple[str, float], float | list[float]]) -> Quantities:
    """Six blocks of 80 equal predictions with this level by variant and rate; a list gives the level by block."""
    found = Quantities()
    for turn, ((variant, rate), level) in enumerate(levels.items()):
        by_block = np.asarray(level) if isinstance(level, list) else level * np.roll(SPREAD, turn)
        for block, value in enumerate(by_block.tolist()):
            found.add((variant, "prediction", rate, "response"), block, np.full(80, value))
            found.add((variant, "page", rate, "response"), block, np.full(80, 1.0))
    return found


def test_a_ratio_is_paired_over_the_blocks_that_both_have():
    found = measured({("a", 4.0): [2.0, 4.0, 8.0], ("b", 4.0): [1.0, 2.0]})
    estimate = ratio(found, "a", "b", P50, 4.0)
    assert (estimate.value, estimate.low, estimate.high, estimate.n) == (pytest.approx(2), *[pytest.approx(2)] * 2, 2)


def test_ratios_are_the_later_variant_over_the_earlier_at_every_rate_that_both_were_offered():
    found = measured({("a", 4.0): 10.0, ("a", 8.0): 20.0, ("b", 4.0): 20.0, ("b", 8.0): 10.0, ("b", 16.0): 1.0})
    table = ratios(found, ["a", "b"], {}, set())
    assert [(each.left, each.right, each.metric, each.rate) for each in table] == [
        ("b", "a", P50, 4.0), ("b", "a", P50, 8.0), ("b", "a", P95, 4.0), ("b", "a", P95, 8.0),
    ]  # fmt: skip
    assert [each.estimate.value for each in table] == pytest.approx([2.0, 0.5, 2.0, 0.5], rel=0.03)


def test_three_variants_give_three_pairs():
    table = ratios(measured({(name, 4.0): 10.0 for name in "abc"}), ["a", "b", "c"], {}, set())
    assert {(each.left, each.right) for each in table} == {("b", "a"), ("c", "a"), ("c", "b")}


@pytest.mark.parametrize("full", [("a", "prediction", 8.0), ("b", "prediction", 8.0)])
def test_where_one_of_the_two_is_saturated_nothing_is_compared(full: tuple[str, str, float]):
    found = measured({(name, rate): 10.0 for name in "ab" for rate in (4.0, 8.0)})
    assert {each.rate for each in ratios(found, ["a", "b"], {}, {full})} == {4.0}


def test_a_ratio_that_has_no_value_is_left_out():
    found = measured({("a", 4.0): 10.0, ("b", 4.0): 10.0})
    for block in range(6):
        found.add(("c", "prediction", 4.0, "response"), block, np.ones(10))  # too few for a p95
    assert {each.metric for each in ratios(found, ["a", "c"], {}, set())} == {P50}


def test_the_floor_is_the_ratio_of_the_two_equal_systems_where_neither_is_saturated():
    found = measured({(name, rate): 10.0 for name in ("a", "a again") for rate in (4.0, 8.0, 16.0)})
    known = floors(found, "a again", "a", {("a", "prediction", 8.0), ("a again", "prediction", 16.0)})
    assert set(known) == {(P50, 4.0), (P95, 4.0)}
    assert known[P50, 4.0] == ratio(found, "a again", "a", P50, 4.0)


def test_a_rate_without_a_floor_gets_the_widest_of_its_metric_and_without_any_there_is_none():
    narrow, wide = Estimate(1.0, 0.99, 1.01, 6), Estimate(1.0, 0.9, 1.1, 6)
    known = {(P50, 4.0): narrow, (P50, 8.0): wide, (P95, 4.0): narrow}
    assert floor_for(known, P50, 4.0) is narrow
    assert floor_for(known, P50, 99.0) is wide
    assert floor_for(known, P95, 99.0) is narrow
    assert floor_for({}, P50, 4.0) is NO_FLOOR


@pytest.mark.parametrize(
    ("estimate", "sign"),
    [
        (Estimate(1.3, 1.2, 1.4, 6), 1),
        (Estimate(0.7, 0.6, 0.8, 6), -1),
        (Estimate(1.3, 0.9, 1.9, 6), 0),
        (Estimate(1.03, 1.02, 1.04, 6), 0),  # surely more than 1, but less than the noise
        (Estimate(None, None, None, 1), 0),
    ],
)
def test_who_is_slower_is_only_said_when_it_is_sure_and_more_than_the_noise(estimate: Estimate, sign: int):
    assert Ratio("b", "a", P50, 4.0, estimate, FLOOR).sign == sign
    assert Ratio("b", "a", P50, 4.0, estimate, FLOOR).claimed is (sign != 0)


def at(rate: float, value: float, *, left: str = "b", metric: str = P50, sure: bool = True) -> Ratio:
    width = 1.01 if sure else 9.0
    return Ratio(left, "a", metric, rate, Estimate(value, value / width, value * width, 6), FLOOR)


def test_a_crossover_lies_between_two_rates_with_opposite_signs():
    found = crossover([at(4.0, 2.0), at(8.0, 1.5), at(16.0, 1.0), at(32.0, 0.5)])
    assert (found.left, found.right, found.metric, found.low, found.high) == ("b", "a", P50, 8.0, 32.0)
    assert found.words == "a is faster up to 8 predictions per second, b from 32 on"


def test_the_words_name_who_is_faster_where():
    assert crossover([at(4.0, 0.5), at(8.0, 2.0)]).words.startswith("b is faster up to 4 ")


@pytest.mark.parametrize(
    "table",
    [
        [],
        [at(4.0, 2.0), at(8.0, 3.0)],
        [at(4.0, 2.0), at(8.0, 0.5, sure=False)],
        [at(4.0, 2.0), at(8.0, 0.5, left="c")],
        [at(4.0, 2.0), at(8.0, 0.5, metric=P95)],
    ],
)
def test_without_two_sure_and_opposite_rates_of_one_pair_and_metric_there_is_none(table: list[Ratio]):
    assert crossover(table) is None


def test_the_crossover_of_another_metric_or_pair_is_found():
    assert crossover([at(4.0, 2.0, metric=P95), at(8.0, 0.5, metric=P95)], P95).metric == P95
    assert crossover([at(4.0, 2.0), at(4.0, 2.0, left="c"), at(8.0, 0.5, left="c")]).left == "c"
