from dataclasses import replace

import pytest

from reports.latency import ratios
from runfile.facts import Crossover
from tests.unit.reports.simulated import floor, ratio

CROSSING = Crossover("model_as_service", "embedded", "response_p50", 12.0, 28.0)


@pytest.fixture
def told(show):
    """Build a run without figures and return what its page tells of ratios."""

    def text(**parts):
        whole = show(**({"rows": [], "requests": []} | parts)).text
        return whole.partition("Ratios and the noise floor")[2].partition("Promises")[0]

    return text


def test_every_ratio_has_the_noise_floor_of_its_own_rate_beside_it(told):
    far = ratio("model_in_db", "embedded", None, None, None, offered_per_s=28.0, floor_half_width=0.12, claim=False)
    words = told(ratios=(ratio("model_as_service", "embedded", 1.19, 1.12, 1.27), far))
    assert "Model as a service / Embedded 4 1.19 [1.12, 1.27] ±4.0 % 2 ✓ differ" in words
    assert "Model in the database / Embedded 28 withheld ±12 % 2 \N{EN DASH} none" in words


def test_without_a_noise_floor_no_ratio_is_a_claim_whatever_the_run_says(told, seen):
    found = {
        "noise_floor": (floor(half_width=None),), "ratios": (ratio("a", "b", 0.5, 0.4, 0.6, floor_half_width=None),),
    }  # fmt: skip
    words = told(**found)
    assert "a / b 4 0.50 [0.40, 0.60] not measured 2 \N{EN DASH} none" in words
    assert "Noise floor not measured: no ratio below is a claim." in words
    assert ratios.floor_note(seen(**found)) == "noise floor not measured"


def test_nothing_is_judged_where_nothing_may_be_claimed(told):
    words = told(verdicts=False)
    assert words.count("not judged") == 4
    assert "differ " not in words


def test_other_ratios_say_of_what_they_are(told):
    assert "1 more ratio, 2 noise floors" in told()
    assert "Model in the database / Embedded, prediction response p95 4 0.30" in told()


def test_an_arm_is_compared_with_nothing(told):
    entry = ratio("embedded again", "embedded", 1.01, 0.97, 1.05)
    assert "No ratio of the median response of a prediction was computed." in told(ratios=(entry,))


def test_the_noise_floor_is_told_at_low_load_and_listed_by_metric_and_rate(told):
    words = told(noise_floor=(floor(rate=28.0, half_width=0.12), floor(), floor("response_p95", half_width=0.09)))
    assert (
        "Noise floor: ±4.0 % in response p50 at 4 per second, found by measuring Embedded twice in 2 blocks. "
        "No smaller difference is claimed."
    ) in words
    assert (
        "response p50, 4 per second 1.01 [0.97, 1.05] ±4.0 % 2 response p95, 4 per second 1.01 [0.97, 1.05] ±9.0 % 2 "
        "response p50, 28 per second 1.01 [0.97, 1.05] ±12 % 2"
    ) in words


def test_the_crossover_is_told_with_titles_and_not_with_the_names_of_the_run(seen):
    assert ratios.crossover(seen(crossover=CROSSING)) == (
        "The order of Model as a service and Embedded in response p50 changes above 12 and below 28 predictions "
        "per second."
    )


def test_an_unknown_crossover_is_not_told(seen):
    assert ratios.crossover(seen(crossover=replace(CROSSING, low=None, high=None, words="nobody knows"))) == ""
    assert ratios.crossover(seen(crossover=None)) == ""
