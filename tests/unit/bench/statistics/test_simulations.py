"""Promises of the statistics, checked on systems whose truth is known. Seeded; the pooled counterparts must fail."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import signal
from scipy import stats as scipy_stats

from bench.gates import judging as gates
from bench.gates import thresholds
from bench.statistics import estimates, noise
from bench.statistics.capacity import Bracket, Point, bracket, measured

LIMITS = thresholds.load()
BLOCKS = 6
PROMISED = (0.93, 0.97)
RHO = 0.9  # from one request to the next, as near saturation


def ar1(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return standard normal samples that depend on the one before along the last axis."""
    shocks = rng.standard_normal(shape)
    shocks[..., 1:] *= (1 - RHO**2) ** 0.5
    return signal.lfilter([1], [1, -RHO], shocks, axis=-1)


def sessions(rng: np.random.Generator, count: int, requests: int = 100, effect: float = 1.0) -> np.ndarray:
    """Return response times of two arms, the second slower by `effect`: (sessions, arm, block, request).

    Every block has its own speed, which both arms share, and every trial a level of its own, which they do not.
    """
    block = rng.normal(0, 0.3, (count, 1, BLOCKS, 1))
    trial = rng.normal(0, 0.03, (count, 2, BLOCKS, 1))
    times = 20 * np.exp(block + trial + 0.2 * ar1(rng, count, 2, BLOCKS, requests))
    return times * np.array([1.0, effect]).reshape(1, 2, 1, 1)


def medians(times: np.ndarray) -> np.ndarray:
    return np.quantile(times, 0.5, axis=-1, method="inverted_cdf")


def paired(times: np.ndarray) -> list[estimates.Estimate]:
    return [estimates.paired_ratio(second, first) for first, second in medians(times)]


def pooled(times: np.ndarray) -> list[estimates.Estimate]:
    """What not to do: every request of a session as a unit of its own."""
    flat = np.log(times).reshape(len(times), 2, -1)
    n = flat.shape[-1]
    mean = flat[:, 1].mean(axis=-1) - flat[:, 0].mean(axis=-1)
    half = 1.96 * (flat.var(axis=-1, ddof=1).sum(axis=-1) / n) ** 0.5
    edges = np.exp([mean, mean - half, mean + half]).T.tolist()
    return [estimates.Estimate(*each, n) for each in edges]


def coverage(estimates: list[estimates.Estimate], truth: float) -> float:
    return float(np.mean([estimate.low <= truth <= estimate.high for estimate in estimates]))


def alarms(estimates: list[estimates.Estimate]) -> int:
    return sum(gates.equal(LIMITS, "v", {gates.PRIMARY: each})[0].verdict == "fail" for each in estimates)


@pytest.mark.parametrize("law", [scipy_stats.expon(scale=20), scipy_stats.lognorm(0.5, scale=20)])
@pytest.mark.parametrize(("p", "n"), [(0.5, 1000), (0.95, 1000), (0.99, 2000)])
def test_intervals_of_percentiles_cover_independent_samples_as_often_as_promised(law, p: float, n: int):
    samples = law.rvs((1500, n), random_state=np.random.default_rng(11))
    assert PROMISED[0] <= coverage([estimates.percentile(each, p) for each in samples], law.ppf(p)) <= PROMISED[1]


@pytest.mark.parametrize("p", [0.5, 0.95])
def test_the_interval_of_a_trial_covers_dependent_samples_where_the_plain_one_does_not(p: float):
    samples = np.exp(ar1(np.random.default_rng(12), 500, 2000))
    truth = float(np.exp(scipy_stats.norm.ppf(p)))
    of_trials = coverage([estimates.percentile_of_trials([each], p) for each in samples], truth)
    assert PROMISED[0] <= of_trials <= PROMISED[1]
    assert coverage([estimates.percentile(each, p) for each in samples], truth) < 0.65


@pytest.mark.parametrize("effect", [1.0, 1.1, 3.0])
def test_intervals_of_paired_trials_cover_as_often_as_promised_and_those_of_pooled_requests_do_not(effect: float):
    times = sessions(np.random.default_rng(13), 2000, effect=effect)
    assert PROMISED[0] <= coverage(paired(times), effect) <= PROMISED[1]
    assert coverage(pooled(times), effect) < 0.8


def test_of_200_sessions_of_equal_systems_at_most_14_raise_an_alarm_unless_requests_are_pooled():
    times = sessions(np.random.default_rng(14), 200)
    assert 1 <= alarms(paired(times)) <= 14
    assert alarms(pooled(times)) > 40


def test_a_difference_of_10_percent_is_found_and_none_is_claimed_among_equals():
    rng = np.random.default_rng(15)
    floors = paired(sessions(rng, 300, requests=1000))
    found = [
        sum(noise.claim(each, floor) for each, floor in zip(paired(times), floors, strict=True)) / 300
        for times in (sessions(rng, 300, requests=1000), sessions(rng, 300, requests=1000, effect=1.1))
    ]
    assert found[0] <= 0.05
    assert found[1] >= 0.7


def test_the_positive_control_finds_the_delay_as_often_as_promised_and_misses_another():
    times = sessions(np.random.default_rng(16), 1000)
    times[:, 1] += 10.0
    found = [estimates.paired_difference(second, first) for first, second in medians(times)]
    passed = {
        ms: np.mean([gates.control(LIMITS, "v", each, ms).verdict != "fail" for each in found]) for ms in (10.0, 5.0)
    }
    assert PROMISED[0] <= passed[10.0] <= PROMISED[1]
    assert passed[5.0] <= 0.2


def excludes_the_capacity(found: Bracket) -> bool:
    return not (found.low or 0) <= 1 <= (found.high or np.inf)


def steps(standard: np.ndarray) -> list[Point]:
    """Return six steps around the capacity 1 from standard normal samples: (rate, request).

    The share over the objective is 5 % at the rate 1, doubles with every tenth more, and is nearly 5 % beside it.
    """
    rates = np.array([0.6, 0.9, 0.999, 1.001, 1.1, 1.5])
    objectives = scipy_stats.norm.isf(np.minimum(0.9, 0.05 * 2 ** (10 * (rates - 1))))
    return [measured(*each) for each in zip(rates.tolist(), standard, objectives.tolist(), strict=True)]


def test_the_bracket_of_the_capacity_errs_at_most_as_often_as_it_says_unless_every_request_counts():
    simulated = [steps(each) for each in ar1(np.random.default_rng(17), 400, 6, 1500)]
    assert sum(excludes_the_capacity(bracket(points)) for points in simulated) <= 0.05 * 400
    assert np.mean([bracket(points).high is not None for points in simulated]) >= 0.95
    plain = [[replace(point, n_eff=point.n) for point in points] for points in simulated]
    assert sum(excludes_the_capacity(bracket(points)) for points in plain) > 0.2 * 400


def test_the_bracket_of_independent_samples_errs_as_rarely_and_closes_around_the_capacity():
    simulated = np.random.default_rng(18).standard_normal((400, 6, 1000))
    found = [bracket(steps(each)) for each in simulated]
    assert sum(excludes_the_capacity(each) for each in found) <= 0.05 * 400
    assert np.mean([(each.low, each.high) == (0.9, 1.1) for each in found]) >= 0.9
