import math

import pytest

from reports import caption_rates


@pytest.fixture
def caption(build, seen):
    """Return the caption of a run with these rows."""

    def sentence(rows=None, **parts):
        folder = build.staircase(**parts) if rows is None else build(rows=rows, **parts)
        return caption_rates.sentence(seen(folder), claims=True).replace("\N{NO-BREAK SPACE}", " ")

    return sentence


def goodput(row, *triples):
    return [row("a", "prediction", "goodput", *numbers, offered=rate) for rate, *numbers in triples]


def metadata(row, first, last):
    return [row("a", "metadata", "response_p50", *numbers, offered=rate) for rate, numbers in ((4, first), (40, last))]


def test_who_holds_who_collapses_and_whose_bystanders_suffer(caption):
    assert caption() == (
        "Offered 80 predictions per second, Embedded collapsed (10.2 answered in time, after 27.7 at 28), Model in the "
        "database held (79.2 answered in time) and Model as a service neither held nor collapsed (58.2 answered in "
        "time); photo metadata got slower in Embedded (p95 4.11 ms at low load, 830 ms at 80)."
    )


def test_an_interval_too_wide_for_a_word_gets_none(caption, row):
    rows = goodput(row, (4, 4, 3.9, 4), (40, 1.5, 0.5, 3.9))
    assert "a neither held nor collapsed (1.50 answered in time)" in caption(rows, variants=("a",))


def test_bystanders_whose_intervals_meet_did_not_suffer(caption, row):
    words = caption(metadata(row, (2, 1.8, 2.2), (2.3, 2.1, 2.5)), variants=("a",))
    assert words == "Photo metadata got measurably slower in none."


def test_bystanders_within_the_noise_did_not_suffer(caption, row):
    floor = {"metric": "response_p50", "value": 1, "low": 0.5, "high": 2, "half_width": 1.0, "n": 6}
    rows = metadata(row, (2, 1.9, 2.1), (3, 2.9, 3.1))
    assert "in none" in caption(rows, variants=("a",), noise_floor=[floor])
    assert "got slower in a" in caption(rows, variants=("a",))


def test_bystanders_that_fail_suffer(caption, row):
    assert "fails at 40" in caption(metadata(row, (2, 1.9, 2.1), (math.inf,)), variants=("a",))


def test_rows_that_cannot_be_compared_say_nothing(caption, row):
    assert caption(metadata(row, (2, 1.9, 2.1), ("",)), variants=("a",)) == ""
    assert caption([], variants=("a",)) == ""


def test_one_block_is_hedged(caption):
    assert caption(blocks=1).startswith("Seen in one block: offered 80")


def test_nothing_is_said_where_nothing_may_be_claimed(build, seen):
    words = caption_rates.sentence(seen(build.staircase()), claims=False)
    assert words == "An illustration, not a finding: response time and goodput by offered rate."
