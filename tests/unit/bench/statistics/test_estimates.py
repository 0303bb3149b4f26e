import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal
from scipy import stats as scipy_stats

from bench.statistics.estimates import (
    effective_size,
    paired_difference,
    paired_ratio,
    percentile,
    percentile_of_trials,
    ranks,
)

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


@pytest.mark.parametrize("p", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("n", [6, 72, 368, 1000])
def test_the_interval_is_the_one_of_scipys_quantile_test(n, p):
    samples = np.random.default_rng(n).exponential(size=n)
    theirs = scipy_stats.quantile_test(samples, q=0, p=p).confidence_interval(0.95)
    ours = percentile(samples, p)
    if ours.value is None:
        assert np.isnan([theirs.low, theirs.high]).any()
    else:
        assert (ours.low, ours.high) == (theirs.low, theirs.high)


@pytest.mark.parametrize("rho", [0.5, 0.9])
def test_the_effective_size_of_ar1_samples_is_the_known_one(rho):
    noise = np.random.default_rng(3).standard_normal((40, 4000))
    sizes = [effective_size(each) for each in signal.lfilter([1], [1, -rho], noise, axis=1)]
    assert np.mean(sizes) == pytest.approx(4000 * (1 - rho) / (1 + rho), rel=0.1)


def test_independent_samples_are_worth_nearly_their_number():
    assert effective_size(np.random.default_rng(4).exponential(size=2000)) > 1600


@given(st.lists(st.sampled_from([0.0, 1.0, 2.5, INF]), max_size=50))
def test_the_effective_size_lies_between_one_and_n_whatever_the_samples(values):
    assert min(1, len(values)) <= effective_size(values) <= len(values)


@pytest.mark.parametrize("values", [[], [3.0], [7.0] * 9, [INF] * 9])
def test_constant_samples_are_worth_their_number(values):
    assert effective_size(values) == len(values)


def test_a_long_stall_is_worth_little_although_it_holds_many_requests():
    stalled = [1.0] * 500 + [INF] * 500
    assert effective_size(stalled) < 10


def test_the_interval_of_a_trial_is_wider_when_its_samples_depend_on_each_other():
    noise = np.random.default_rng(5).standard_normal(3000)
    dependent = np.exp(signal.lfilter([1], [1, -0.9], noise))
    alone, together = percentile(dependent, 0.5), percentile_of_trials([dependent], 0.5)
    assert together.value == alone.value
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_the_interval_of_a_trial_is_withheld_when_dependence_leaves_too_few():
    stalled = [1.0] * 500 + [9.0] * 500
    assert percentile(stalled, 0.95).value is not None
    assert percentile_of_trials([stalled], 0.95).value is None
    assert percentile_of_trials([[]], 0.5).n == 0


def test_failures_survive_in_the_percentile_of_a_trial():
    times = np.random.default_rng(6).permutation([1.0] * 900 + [INF] * 100)
    estimate = percentile_of_trials([times], 0.95)
    assert (estimate.value, estimate.high) == (INF, INF)
    assert percentile_of_trials([times], 0.5).value == 1.0
