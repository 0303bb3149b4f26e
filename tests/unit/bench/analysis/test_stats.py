import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from bench.analysis.stats import paired_difference, paired_ratio, percentile, ranks

INF = float("inf")


@pytest.mark.parametrize(("p", "least"), [(0.5, 6), (0.95, 72), (0.99, 368), (0.999, 3688)])
def test_a_percentile_is_withheld_until_the_samples_can_carry_its_interval(p, least):
    assert ranks(least - 1, p) is None
    assert ranks(least, p) is not None
    assert percentile(np.arange(least - 1), p).value is None


@pytest.mark.parametrize(("n", "expected"), [(1000, (983, 997)), (3000, (2959, 2981)), (10000, (9880, 9920))])
def test_known_ranks_of_the_99th_percentile(n, expected):
    assert ranks(n, 0.99) == expected


@given(n=st.integers(1, 5000), p=st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_interval_covers_at_least_95_percent_by_the_binomial_law(n, p):
    around = ranks(n, p)
    if around is not None:
        low, high = around
        assert 1 <= low <= np.ceil(n * p) <= high <= n
        assert scipy_stats.binom.cdf(high - 1, n, p) - scipy_stats.binom.cdf(low - 1, n, p) >= 0.95


def test_the_interval_covers_the_true_quantile_of_a_skewed_distribution_as_often_as_promised():
    rng = np.random.default_rng(1)
    truth = scipy_stats.lognorm.ppf(0.95, 1)
    estimates = [percentile(rng.lognormal(size=400), 0.95) for _ in range(500)]
    assert np.mean([estimate.low <= truth <= estimate.high for estimate in estimates]) >= 0.94


def test_failures_are_infinitely_slow_and_reach_the_percentiles_that_they_should():
    samples = [1.0] * 970 + [INF] * 30
    assert percentile(samples, 0.5).value == 1.0
    assert percentile(samples, 0.99).value == INF


def test_a_value_is_an_order_statistic():
    assert percentile(np.arange(1, 101), 0.5).value == 50


def test_a_paired_ratio_is_the_geometric_mean_with_a_t_interval():
    estimate = paired_ratio([2.0, 8.0], [1.0, 2.0])
    assert estimate.value == pytest.approx(8**0.5)
    half = scipy_stats.t.ppf(0.975, 1) * np.std(np.log([2, 4]), ddof=1) / 2**0.5
    assert (estimate.low, estimate.high) == pytest.approx((8**0.5 / np.exp(half), 8**0.5 * np.exp(half)))


def test_one_block_has_a_value_but_no_interval():
    assert (paired_ratio([3.0], [2.0]).value, paired_ratio([3.0], [2.0]).low) == (1.5, None)
    assert (paired_difference([3.0], [2.0]).value, paired_difference([3.0], [2.0]).high) == (1.0, None)


def test_pairing_takes_out_what_both_sides_of_a_block_share():
    blocks = np.array([10.0, 20.0, 40.0, 15.0])
    estimate = paired_difference((blocks + 3).tolist(), blocks.tolist())
    assert (estimate.low, estimate.value, estimate.high) == pytest.approx((3, 3, 3))


@pytest.mark.parametrize("compare", [paired_ratio, paired_difference])
def test_infinity_on_the_left_stays_and_nothing_can_be_compared_with_infinity(compare):
    assert compare([1.0, INF], [1.0, 1.0]).value == INF
    assert compare([1.0, 1.0], [1.0, INF]).value is None
    assert compare([], []).value is None
