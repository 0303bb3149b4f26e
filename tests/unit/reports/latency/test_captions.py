import math

import pytest

from reports.latency import captions
from runfile.facts import Step, Trial
from tests.unit.reports.simulated import row


@pytest.fixture
def rates(seen):
    """Return the caption of rising load of a run."""
    return lambda **parts: captions.rates(seen(**parts)).replace("\N{NO-BREAK SPACE}", " ")


def test_medians_beside_the_raw_limit_at_both_paces(seen):
    rows = [
        row("a", "prediction", "response_p50", 26.0), row("raw limit", "prediction", "response_p50", 24.0),
        row("raw limit", "back to back", "response_p50", 20.0),
    ]  # fmt: skip
    words = captions.percentiles(seen(names=("a",), rows=rows)).replace("\N{NO-BREAK SPACE}", " ")
    assert words == (
        "The median prediction took 26.0 ms in a, with a raw limit of 24.0 ms (20.0 ms where the core never rests)."
    )


def test_the_largest_stage_is_named(seen):
    words = captions.stages(seen())
    assert "infer in Embedded" in words
    assert "db in Model in the database" in words


def test_the_tail_is_told_by_a_row_of_results(seen):
    words = captions.curve(seen()).replace("\N{NO-BREAK SPACE}", " ")
    assert words.startswith("One prediction in twenty took at least 39.5 ms in Embedded, 6.07 ms in")


def test_each_is_told_at_the_same_multiple_of_its_own_capacity_with_best_step_and_backlog(rates):
    assert rates().startswith(
        "Answered in time at about 2 times their own capacity: 10.2 [9.69, 11.0] of 68 predictions per second in "
        "Embedded (at best before 33.7 of 34; backlog 640), 388 [369, 419] of 800 predictions per second in Model in "
        "the database (at best before 396 of 400; backlog 640) and 58.2 "
    )


def test_bystanders_are_told_by_two_numbers_and_no_word_for_them(rates):
    words = rates()
    assert (
        "Photo metadata, the median at the lowest rate of predictions and at the highest that has one: 2.40 ms" in words
    )
    assert "2.40 ms and 1,538 ms at 68 per second in Embedded" in words
    for word in ("held", "collapsed", "slower"):
        assert word not in words


def test_a_run_that_knows_no_capacities_is_told_at_its_highest_rates(rates):
    rows = [row("a", "prediction", "response_p50", 5, rate=rate) for rate in (4, 40)]
    rows += [row("a", "prediction", "goodput", 30, unit="1/s", rate=40)]
    words = rates(names=("a",), rows=rows, trials=())
    assert words == "Answered in time at their highest rates: 30.0 of 40 predictions per second in a."


def test_rows_that_say_nothing_give_no_caption(rates):
    assert rates(names=("a",), rows=[], trials=(Trial(1, 1, "a", steps=(Step(0, 0, 2, 4, 1),)),)) == ""


def test_a_median_that_fails_is_no_number(seen):
    rows = [row("a", "prediction", "response_p50", math.inf)]
    assert captions.percentiles(seen(names=("a",), rows=rows)).startswith("No median")
