import pytest

from bench.statistics.estimates import Estimate
from bench.statistics.verdicts import verdict_of

INF = float("inf")


@pytest.mark.parametrize(
    ("estimate", "verdict", "why"),
    [
        (Estimate(9.0, 8.0, 10.0, 3), "met", ""),
        (Estimate(11.0, 10.5, 12.0, 3), "missed", "the whole interval lies above"),
        (Estimate(9.0, 8.0, 10.1, 3), "withheld", "the interval over 3 blocks spans the limit"),
        (Estimate(11.0, 10.0, 12.0, 3), "withheld", "spans the limit"),
        (Estimate(9.0, None, None, 1), "withheld", "a single block gives no interval"),
        (Estimate(None, None, None, 0), "withheld", "not measured on both sides"),
        (Estimate(INF, None, None, 3), "missed", "too many requests failed"),
    ],
)
def test_a_promise_of_at_most_10_is_judged_by_the_whole_interval(estimate: Estimate, verdict: str, why: str):
    found, words = verdict_of(estimate, 10.0, verdicts=True)
    assert (found, why in words) == (verdict, True)


def test_a_profile_that_is_too_short_for_verdicts_gives_none_however_clear_the_numbers_are():
    for estimate in (Estimate(9.0, 8.0, 9.5, 3), Estimate(INF, None, None, 3)):
        assert verdict_of(estimate, 10.0, verdicts=False) == ("withheld", "this profile is too short for verdicts")
