import math

import pytest

from reports.latency import headline
from reports.reading.standing import TOO_SHORT, Standing
from tests.unit.reports.simulated import bracket, ratio, row

MAY = Standing(claims=True)
TOLD = (
    "At 4 predictions per second, a stored prediction (Model in the database) is faster than a live one (Embedded): "
    "it took 0.15 [0.14, 0.17] times as long, 3.78 ms against 24.6 ms"
)


@pytest.fixture
def say(seen):
    """Build a run and return its verdict."""

    def sentence(**parts):
        plain = {"capacity": (), "crossover": None}
        return headline.headline(seen(**(plain | parts)), MAY).replace("\N{NO-BREAK SPACE}", " ")

    return sentence


def medians(**by_variant):
    return [row(name, "prediction", "response_p50", value, rate=4.0) for name, value in by_variant.items()]


def test_what_is_claimed_is_told_with_ratio_and_medians(say):
    assert say() == (
        f"{TOLD}; Model as a service is slower than Embedded: it took 1.19 [1.12, 1.27] times as long, "
        "29.3 ms against 24.6 ms."
    )


def test_what_cannot_be_told_apart_is_said_with_its_interval(say):
    service = ratio("model_as_service", "embedded", 1.08, 0.97, 1.20, claim=False)
    assert say(ratios=(service, ratio("model_in_db", "embedded", 0.15, 0.14, 0.17))) == (
        f"{TOLD}; Model as a service and Embedded cannot be told apart (1.08 [0.97, 1.20])."
    )


def test_medians_and_intervals_that_lie_apart_are_no_claim_by_themselves(say):
    found = (ratio("a", "b", 0.5, 0.4, 0.6, claim=False),)
    rows = [row("a", "prediction", "response_p50", 5, 4.9, 5.1, rate=4.0),
            row("b", "prediction", "response_p50", 9, 8.9, 9.1, rate=4.0)]  # fmt: skip
    words = say(names=("a", "b"), rows=rows, ratios=found)
    assert "a and b cannot be told apart (0.50 [0.40, 0.60], noise floor ±4.0 %)" in words


def test_nothing_is_claimed_without_a_noise_floor(say):
    found = (ratio("a", "b", 0.5, 0.4, 0.6, floor_half_width=None),)
    assert "cannot be told apart (0.50 [0.40, 0.60], noise floor not measured)" in say(
        names=("a", "b"), rows=medians(a=5, b=9), ratios=found
    )


def test_one_block_tells_nothing_apart(say):
    found = (ratio("a", "b", 0.5, None, None, n=1, claim=False, floor_half_width=None),)
    words = say(names=("a", "b"), rows=medians(a=5, b=9), ratios=found)
    assert words == "At 4 predictions per second, a and b cannot be told apart (0.50, seen in one block)."


def test_a_difference_that_no_neighbours_show_is_told(say):
    found = (
        ratio("b", "a", 1.02, 0.99, 1.05, claim=False), ratio("c", "b", 1.02, 0.99, 1.05, claim=False),
        ratio("c", "a", 1.05, 1.02, 1.08),
    )  # fmt: skip
    words = say(names=("a", "b", "c"), rows=medians(a=5.0, b=5.1, c=5.2), ratios=found)
    assert words.endswith("c is slower than a: it took 1.05 [1.02, 1.08] times as long, 5.20 ms against 5.00 ms.")


def test_only_the_lowest_common_rate_counts(say):
    found = (ratio("b", "a", 3.0, 2.9, 3.1, offered_per_s=40.0),)
    words = say(names=("a", "b"), rows=medians(a=5, b=6), ratios=found)
    assert words == "At 4 predictions per second, a and b were not compared."


def test_failures_are_said(say):
    words = say(names=("a", "b"), rows=medians(a=5, b=math.inf), ratios=())
    assert "the median prediction took 5.00 ms in a, with nothing to compare it" in words
    assert "b did not carry the load: half or more of the predictions got no good answer" in words


def test_a_variant_without_numbers_is_left_out_aloud(say):
    rows = [*medians(a=5), row("b", "prediction", "response_p50", None, verdict="withheld", rate=4.0)]
    assert "nothing is said of b: its numbers are withheld" in say(names=("a", "b"), rows=rows, ratios=())


def test_no_numbers_no_verdict(say):
    assert say(rows=[]).startswith("No verdict: no response time of a prediction is published")


def test_variants_at_different_loads_are_not_compared(say):
    rows = [row("a", "prediction", "response_p50", 5, rate=4), row("b", "prediction", "response_p50", 90, rate=40)]
    assert say(names=("a", "b"), rows=rows).startswith("No verdict")


def test_a_run_that_may_not_claim_says_why(seen):
    assert headline.headline(seen(), Standing(words=TOO_SHORT, short=True)) == TOO_SHORT


def test_capacity_and_crossover_follow(seen):
    words = headline.headline(seen(capacity=(bracket("embedded", 28.0, 40.0),)), MAY)
    assert "the capacity in predictions per second is between 28 and 40 in Embedded" in words
    assert words.endswith("in response p50 changes above 12 and below 28 predictions per second.")


def test_an_arm_is_never_compared(say):
    assert "embedded again" not in say(ratios=(ratio("embedded again", "embedded", 1.2, 1.1, 1.3),))
