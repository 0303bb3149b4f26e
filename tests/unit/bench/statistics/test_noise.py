import itertools

import numpy as np
import pytest

from bench.statistics.estimates import Estimate
from bench.statistics.noise import bar, canary_deviation, claim, half_width, holm, order_effect

INF = float("inf")
NONE = Estimate(None, None, None, 0)
FLOOR = Estimate(1.0, 1 / 1.05, 1.05, 6)
ORDERS = np.array(list(itertools.permutations([1.0, 2.0, 3.0])))


def test_the_half_width_is_that_of_the_logarithm():
    assert half_width(FLOOR) == pytest.approx(0.05)
    assert half_width(Estimate(2.0, 2 / 1.05, 2.1, 6)) == pytest.approx(0.05)


@pytest.mark.parametrize("estimate", [NONE, Estimate(1.0, None, None, 1), Estimate(INF, INF, INF, 6)])
def test_without_an_interval_the_noise_has_no_bound(estimate: Estimate):
    assert half_width(estimate) == INF


@pytest.mark.parametrize(
    ("estimate", "claimed"),
    [
        (Estimate(1.2, 1.1, 1.3, 6), True),
        (Estimate(1.2, 0.9, 1.5, 6), False),  # may as well be nothing
        (Estimate(1.04, 1.03, 1.05, 6), False),  # certain, but below the floor
        (Estimate(1 / 1.04, 1 / 1.05, 1 / 1.03, 6), False),
        (Estimate(1 / 1.2, 1 / 1.3, 1 / 1.1, 6), True),
        (NONE, False),
    ],
)
def test_a_claim_must_exclude_1_and_stand_out_of_the_noise(estimate: Estimate, *, claimed: bool):
    assert claim(estimate, FLOOR) is claimed


def test_without_a_noise_floor_nothing_is_claimed():
    assert not claim(Estimate(3.0, 2.9, 3.1, 6), NONE)


def test_holm_multiplies_by_what_is_left_and_keeps_the_order():
    assert holm([0.03, 0.01, 0.04]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([]) == []


def test_an_order_effect_is_found_beside_slow_blocks_and_slow_variants():
    rng = np.random.default_rng(2)
    blocks, variants = rng.lognormal(0, 0.3, (6, 1)), np.array([1.0, 3.0, 9.0])
    times = blocks * variants * np.exp(0.1 * ORDERS + rng.normal(0, 0.01, (6, 3)))
    effect = order_effect(times, ORDERS)
    assert effect.value == pytest.approx(0.1, abs=0.01)
    assert effect.low > 0.08


def test_the_interval_of_the_order_effect_covers_zero_as_often_as_promised():
    noise = np.random.default_rng(3).lognormal(0, 0.1, (1000, 6, 3))
    effects = [order_effect(times, ORDERS) for times in noise]
    assert 0.93 <= np.mean([effect.low <= 0 <= effect.high for effect in effects]) <= 0.97


@pytest.mark.parametrize(
    ("times", "order"),
    [(np.ones((6, 3)), np.tile([1, 2, 3], (6, 1))), ([[1, 2]], [[1, 2]]), (np.full((6, 3), INF), ORDERS)],
)
def test_no_order_effect_can_be_told_from_a_fixed_order_one_block_or_failures(times, order):
    assert order_effect(times, order).value is None


def test_a_canary_that_is_twice_as_slow_or_as_fast_deviates_by_100_percent():
    session = [4.0, 4.0, 4.0, 8.0]
    assert [canary_deviation(ms, session) for ms in (4.0, 8.0, 2.0, 4.4)] == pytest.approx([0, 1, 1, 0.1])


@pytest.mark.parametrize(
    ("low", "high", "least"),
    [(0.95, 1.06, 0.055), (1.01, 1.09, 0.086), (0.9, 0.99, 0.105), (None, None, float("inf"))],
)
def test_two_copies_that_happen_to_differ_raise_the_bar_to_the_far_end(
    low: float | None, high: float | None, least: float
):
    assert bar(Estimate(1.0, low, high, 5)) == pytest.approx(least, abs=0.001)
