from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bench.statistics.capacity import Point, bracket, decide, judge, measured

INF = float("inf")


def point(rate: float, over: int, n: int = 1200) -> Point:
    return Point(rate, over, n, n)


@pytest.mark.parametrize(("over", "n"), [(0, 100), (30, 1200), (60, 1200), (90, 1200), (100, 100)])
@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.001])
def test_for_independent_samples_the_verdict_is_that_of_scipys_binomial_tests(over: int, n: int, alpha: float):
    few = stats.binomtest(over, n, 0.05, alternative="less").pvalue <= alpha
    many = stats.binomtest(over, n, 0.05, alternative="greater").pvalue <= alpha
    assert decide(over, n, n, 0.05, alpha) == ("pass" if few else "fail" if many else "undecided")


def test_the_known_limits_of_1200_requests():  # research/loadgen.md, section 3
    assert [decide(over, 1200, 1200, 0.05, 0.05) for over in (47, 48, 73, 74)] == [
        "pass", "undecided", "undecided", "fail",
    ]  # fmt: skip


def test_dependent_samples_decide_less():
    assert decide(30, 1200, 1200, 0.05, 0.05) == "pass"
    assert decide(30, 1200, 120, 0.05, 0.05) == "undecided"


def test_nothing_measured_decides_nothing():
    assert decide(0, 0, 0, 0.05, 0.05) == "undecided"
    assert bracket([]).points == ()


def test_failures_count_as_slower_than_anything():
    assert measured(10, [1.0, INF, 3.0, 300.0], 250).over == 2


def test_a_point_is_worth_less_when_its_times_depend_on_each_other_though_no_verdict_tells():
    slow_wave = 10 + np.sin(np.arange(1000) / 100)
    assert (measured(10, slow_wave, 250).over, measured(10, slow_wave, 250).n) == (0, 1000)
    assert measured(10, slow_wave, 250).n_eff < 50


def test_the_bracket_reaches_from_the_highest_pass_to_the_lowest_failure():
    found = bracket([point(40, 900), point(10, 0), point(20, 10), point(30, 60)])
    assert (found.low, found.high, found.error) == (20, 40, 0.05)
    assert [judged.verdict for judged in found.points] == ["pass", "pass", "undecided", "fail"]


def test_the_ends_are_open_where_nothing_passed_or_failed():
    assert (bracket([point(10, 0)]).low, bracket([point(10, 0)]).high) == (10, None)
    assert (bracket([point(10, 900)]).low, bracket([point(10, 900)]).high) == (None, 10)


def test_a_pass_above_a_failure_does_not_count():
    found = bracket([point(10, 0), point(20, 900), point(30, 0)])
    assert (found.low, found.high) == (10, 20)


def test_more_rates_need_more_evidence_for_the_same_error():
    assert bracket([point(10, 45)]).low == 10
    assert bracket([point(rate, 45) for rate in range(10, 20)]).low is None


def test_trials_of_one_rate_are_taken_together():
    (judged,) = bracket([point(10, 40, 600), point(10, 0, 600)]).points
    assert (judged.point, judged.verdict) == (point(10, 40), "pass")


def grown(point: Point) -> Point:
    return replace(point, grew=True)


def test_a_step_whose_backlog_grew_does_not_pass_however_fast_it_was():
    fast = measured(20, [1.0] * 1200, 250, grew=True)
    assert (fast.over, fast.grew) == (0, True)
    assert judge(fast, 0.05, 0.05) == "fail"
    assert judge(replace(fast, grew=False), 0.05, 0.05) == "pass"
    found = bracket([point(10, 0), fast, point(30, 0)])
    assert (found.low, found.high) == (10, 20)
    assert [judged.verdict for judged in found.points] == ["pass", "fail", "pass"]


def test_nothing_sent_in_time_to_a_queue_that_grew_is_a_failure_too():
    assert measured(20, [], 250, grew=True) == Point(20, 0, 0, 0.0, grew=True)
    assert bracket([measured(20, [], 250, grew=True)]).high == 20


@pytest.mark.parametrize(("grew", "high"), [(0, None), (1, None), (2, 10), (4, 10)])
def test_a_rate_fails_when_the_backlog_grew_in_half_of_its_trials(grew: int, high: float | None):
    trials = [point(10, 0, 300)] * (4 - grew) + [grown(point(10, 0, 300))] * grew
    assert bracket(trials).high == high
