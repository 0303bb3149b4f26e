from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.latency.ratios import (
    CASE,
    compare,
    crossover,
    fact,
    floor_facts,
    floors,
    ratio,
    ratios,
)
from bench.statistics.estimates import Estimate
from bench.statistics.noise import claim
from bench.statistics.quantities import RAW_LIMIT, Quantities
from runfile.facts import Ratio

P50, P95 = "response_p50", "response_p95"
FLOOR = Estimate(1.0, 1 / 1.05, 1.05, 6)
BLOCKS, ROUNDS, EACH = 5, 6, 20
Speed = Callable[[int, int], float]  # by block and round, from 0


def noise(seed: int) -> Speed:
    """A few per cent from round to round."""
    table = np.random.default_rng(seed).lognormal(0, 0.03, (BLOCKS, ROUNDS))
    return lambda block, round_: float(table[block, round_])


def steady(_block: int, _round: int) -> float:
    return 1.0


def measured(levels: dict[tuple[str, float], float], speed: Speed = steady, blocks: int = BLOCKS) -> Quantities:
    """Rounds of equal predictions with this level in ms by variant and rate, a little noise, times a common speed."""
    found = Quantities()
    for number, ((variant, rate), ms) in enumerate(levels.items()):
        own = noise(number)
        for block in range(blocks):
            for round_ in range(ROUNDS):
                took = ms * own(block, round_) * speed(block, round_)
                found.add((variant, CASE, rate, "response"), block + 1, np.full(EACH, took), round_)
    return found


def alone(found: Quantities, variant: str, rate: float, ms: float) -> None:
    """A staircase of its own, which is no round of anybody else's."""
    found.add((variant, CASE, rate, "response"), 1, np.full(500, ms), 99)


def test_a_ratio_is_paired_over_the_rounds_that_both_have():
    found = Quantities()
    for variant, times in {"a": {1: [2, 8, 6], 2: [4], 3: [9]}, "b": {1: [1, 4, 2], 2: [2]}}.items():
        for block, rounds in times.items():
            for number, ms in enumerate(rounds):
                found.add((variant, CASE, 4.0, "response"), block, np.full(9, float(ms)), number)
    found.add(("b", CASE, 4.0, "response"), 1, np.full(9, 1000.0), 7)  # a round that only one side has
    estimate = ratio(found, "a", "b", P50, 4.0)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((2, 2, 2))
    assert estimate.n == 2  # the third block has no b


def test_a_block_is_worth_the_median_over_its_rounds_so_one_bad_round_changes_nothing():
    found = measured({("a", 4.0): 10.0, ("b", 4.0): 10.0})
    before = ratio(found, "a", "b", P50, 4.0)
    found.samples["a", CASE, 4.0, "response"][1][0] = np.full(EACH, 5000.0)
    after = ratio(found, "a", "b", P50, 4.0)
    assert after.value == pytest.approx(before.value, rel=0.02)
    assert after.high < 1.1


@given(slow=st.lists(st.booleans(), min_size=BLOCKS * ROUNDS, max_size=BLOCKS * ROUNDS))
def test_a_machine_that_is_twice_as_slow_in_some_rounds_changes_no_median_ratio(slow: list[bool]):
    levels = {("a", 4.0): 11.0, ("b", 4.0): 10.0}
    factors = np.where(slow, 2.0, 1.0).reshape(BLOCKS, ROUNDS)
    swinging = measured(levels, lambda block, round_: float(factors[block, round_]))
    assert vars(ratio(swinging, "a", "b", P50, 4.0)) == pytest.approx(vars(ratio(measured(levels), "a", "b", P50, 4.0)))


def test_a_variant_that_is_a_tenth_slower_is_found_on_a_machine_that_swings_and_an_equal_one_is_not():
    swings = np.random.default_rng(9).choice([1.0, 2.0], (BLOCKS, ROUNDS))
    levels = {("a", 4.0): 10.0, ("a again", 4.0): 10.0, ("b", 4.0): 11.0, ("c", 4.0): 10.0}
    found = measured(levels, lambda block, round_: float(swings[block, round_]))
    table = ratios(found, ["a", "b", "c"], floors(found, "a again", "a"), set())
    claimed = {(each.left, each.right): each.claim for each in table if each.metric == P50}
    assert claimed == {("b", "a"): True, ("c", "a"): False, ("c", "b"): True}
    (own,) = [each for each in table if (each.left, each.right, each.metric) == ("b", "a", P50)]
    assert own.value == pytest.approx(1.1, abs=0.03)
    assert own.n == BLOCKS


def test_the_interval_is_over_blocks_so_more_rounds_of_one_block_give_none():
    one = ratio(measured({("a", 4.0): 10.0, ("b", 4.0): 10.0}, blocks=1), "a", "b", P50, 4.0)
    assert one.value is not None
    assert (one.low, one.high, one.n) == (None, None, 1)


def test_a_staircase_at_the_rate_of_the_turns_is_compared_with_nothing():
    """Half of the smallest capacity is a load of the turns and a step of that variant's staircase."""
    found = measured({("a", 4.0): 10.0, ("b", 4.0): 10.0})
    before = [ratio(found, "a", "b", metric, 4.0) for metric in (P50, P95)]
    alone(found, "a", 4.0, 900.0)
    assert [ratio(found, "a", "b", metric, 4.0) for metric in (P50, P95)] == before
    alone(found, "a", 8.0, 900.0)
    found.add(("b", CASE, 8.0, "response"), 1, np.full(500, 1.0), 98)
    assert {each.offered_per_s for each in ratios(found, ["a", "b"], {}, set())} == {4.0}


def test_ratios_are_the_later_variant_over_the_earlier_at_every_rate_that_both_were_offered():
    levels = {("a", 4.0): 10.0, ("a", 8.0): 20.0, ("b", 4.0): 20.0, ("b", 8.0): 10.0, ("b", 16.0): 1.0}
    table = ratios(measured(levels), ["a", "b"], {}, set())
    assert [(each.left, each.right, each.metric, each.offered_per_s) for each in table] == [
        ("b", "a", P50, 4.0), ("b", "a", P50, 8.0), ("b", "a", P95, 4.0), ("b", "a", P95, 8.0),
    ]  # fmt: skip
    assert [each.value for each in table] == pytest.approx([2.0, 0.5, 2.0, 0.5], rel=0.05)


def test_three_variants_give_three_pairs():
    table = ratios(measured({(name, 4.0): 10.0 for name in "abc"}), ["a", "b", "c"], {}, set())
    assert {(each.left, each.right) for each in table} == {("b", "a"), ("c", "a"), ("c", "b")}


@pytest.mark.parametrize("full", [("a", CASE, 8.0), ("b", CASE, 8.0)])
def test_where_one_of_the_two_is_saturated_nothing_is_compared(full: tuple[str, str, float]):
    found = measured({(name, rate): 10.0 for name in "ab" for rate in (4.0, 8.0)})
    assert {each.offered_per_s for each in ratios(found, ["a", "b"], {}, {full})} == {4.0}


def test_a_ratio_that_has_no_value_is_left_out():
    found = measured({("a", 4.0): 10.0})
    for block in range(BLOCKS):
        found.add(("c", CASE, 4.0, "response"), block + 1, np.ones(10), 0)  # too few for a p95
    assert {each.metric for each in ratios(found, ["a", "c"], {}, set())} == {P50}


def test_the_floor_is_the_ratio_of_the_two_equal_systems_at_each_rate_of_theirs():
    found = measured({(name, rate): 10.0 for name in ("a", "a again") for rate in (4.0, 8.0)})
    known = floors(found, "a again", "a")
    assert set(known) == {(P50, 4.0), (P50, 8.0), (P95, 4.0), (P95, 8.0)}
    assert known[P50, 4.0] == ratio(found, "a again", "a", P50, 4.0)
    own = floor_facts(known)[0]
    assert (own.metric, own.offered_per_s, own.n) == (P50, 4.0, BLOCKS)
    assert 0 < own.half_width < 0.1


def test_without_a_copy_there_is_no_floor():
    assert floors(measured({("a", 4.0): 10.0}), "", "") == {}


def test_where_there_is_no_floor_of_that_rate_nothing_is_claimed_however_large():
    found = measured({(name, rate): ms for name, ms in (("a", 1.0), ("b", 50.0)) for rate in (4.0, 8.0)})
    table = ratios(found, ["a", "b"], {(P50, 4.0): FLOOR}, set())
    known = {(each.metric, each.offered_per_s): (each.claim, each.floor_half_width) for each in table}
    assert known == {
        (P50, 4.0): (True, pytest.approx(0.05)), (P50, 8.0): (False, None), (P95, 4.0): (False, None),
        (P95, 8.0): (False, None),
    }  # fmt: skip


EDGES = st.lists(st.floats(0.2, 5.0), min_size=3, max_size=3).map(sorted)


@given(edges=EDGES, floor=st.floats(1.0, 2.0))
def test_the_one_rule_for_a_difference_is_that_of_the_noise(edges: list[float], floor: float):
    low, value, high = edges
    estimate, known = Estimate(value, low, high, 6), Estimate(1.0, 1 / floor, floor, 6)
    assert fact("b", "a", P50, 4.0, estimate, known).claim is claim(estimate, known)


@pytest.mark.parametrize(
    ("estimate", "claimed"),
    [
        (Estimate(1.3, 1.2, 1.4, 6), True),
        (Estimate(0.7, 0.6, 0.8, 6), True),
        (Estimate(1.3, 0.9, 1.9, 6), False),
        (Estimate(1.03, 1.02, 1.04, 6), False),  # surely more than 1, but less than the noise
        (Estimate(1.3, None, None, 1), False),
    ],
)
def test_who_is_slower_is_only_said_when_it_is_sure_and_more_than_the_noise(estimate: Estimate, *, claimed: bool):
    assert fact("b", "a", P50, 4.0, estimate, FLOOR).claim is claimed


def test_a_difference_is_in_milliseconds_and_paired_within_rounds_too():
    found = measured({("a", 4.0): 10.0, (RAW_LIMIT, 4.0): 10.0})
    shifted = {b: {r: values + 5 for r, values in rounds.items()} for b, rounds in found.rounds((
        "a", CASE, 4.0, "response")).items()}  # fmt: skip
    found.samples["b", CASE, 4.0, "response"] = shifted
    estimate = compare(found, ("b", CASE, P50, None), ("a", CASE, P50, 4.0), "difference")
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((5, 5, 5))
    assert ratio(found, "a", RAW_LIMIT, P50, 4.0).n == BLOCKS  # the bare model takes turns like anybody


def test_failures_make_a_ratio_infinite_and_are_no_claim():
    found = measured({("a", 4.0): 10.0, ("b", 4.0): 10.0})
    found.samples["b", CASE, 4.0, "response"] = {
        block: {round_: np.full(EACH, np.inf) for round_ in range(ROUNDS)} for block in range(1, BLOCKS + 1)
    }
    (own,) = [each for each in ratios(found, ["a", "b"], {(P50, 4.0): FLOOR}, set()) if each.metric == P50]
    assert (own.value, own.low, own.claim) == (np.inf, None, False)


def at(rate: float, value: float, *, left: str = "b", metric: str = P50, sure: bool = True) -> Ratio:
    width = 1.01 if sure else 9.0
    return fact(left, "a", metric, rate, Estimate(value, value / width, value * width, 6), FLOOR)


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


def twins(slower: float = 1.0, missing: int = 0) -> Quantities:
    """Two variants that get the same photos, which differ by far more than the variants do."""
    rng, found = np.random.default_rng(4), Quantities()
    for block in range(1, BLOCKS + 1):
        for round_ in range(ROUNDS):
            photos = rng.lognormal(2.5, 0.8, 6)
            for variant, factor in (("a", 1.0), ("b", slower)):
                took = photos * factor * rng.lognormal(0, 0.02, 6)
                found.add((variant, CASE, 8.0, "response"), block, took[missing * (variant == "b") :], round_)
    return found


def test_each_request_is_held_against_its_twin_so_photos_may_differ_by_far_more_than_variants_do():
    found = ratio(twins(1.05), "b", "a", P50, 8.0)
    assert (found.low or 0) < 1.05 < (found.high or 0)
    assert (found.high or 0) - (found.low or 0) < 0.04
    apart = ratio(twins(1.05, missing=1), "b", "a", P50, 8.0)
    assert (apart.high or 0) - (apart.low or 0) > 0.08, "who did not get the same requests has no twins"


def test_where_both_of_a_pair_failed_nothing_can_be_said_and_where_one_did_it_was_slower():
    found = twins()
    for rounds in found.samples["b", CASE, 8.0, "response"].values():
        for values in rounds.values():
            values[:2] = np.inf
    for rounds in found.samples["a", CASE, 8.0, "response"].values():
        for values in rounds.values():
            values[1:2] = np.inf
    assert ratio(found, "b", "a", P50, 8.0).value == pytest.approx(1.0, abs=0.03)
    for rounds in found.samples["b", CASE, 8.0, "response"].values():
        for values in rounds.values():
            values[:] = np.inf
    assert ratio(found, "b", "a", P50, 8.0).value == np.inf
