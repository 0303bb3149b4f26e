from dataclasses import replace

import pytest

from reports.latency import capacity
from tests.unit.reports.simulated import bracket


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (28.0, 40.0, "between 28 and 40"),
        (28.0, None, "at least 28"),
        (None, 4.0, "below 4"),
        (None, None, "undecided"),
    ],
)
def test_a_bracket_says_no_more_than_its_bounds(seen, low, high, words):
    ((said, objective, _),) = capacity.brackets(seen(capacity=(bracket("embedded", low, high),)))
    assert (said, objective.replace("\N{NO-BREAK SPACE}", " ")) == (words, "at most 5 % slower than 250 ms")


def test_the_order_is_that_of_the_architectures_and_arms_have_no_bracket(seen):
    again = replace(bracket("embedded", 4.0, 8.0), variant="embedded again")
    found = seen(capacity=(bracket("model_as_service", 4.0, 8.0), again, bracket("embedded", 4.0, 8.0)))
    assert [each.variant for *_, each in capacity.brackets(found)] == ["embedded", "model_as_service"]


def test_brackets_of_different_objectives_share_no_sentence(seen):
    brackets = (bracket("embedded", 4.0, 8.0), bracket("model_in_db", 4.0, 8.0, slo_ms=100.0))
    assert capacity.sentence(seen(capacity=brackets)) == ""


def test_nothing_known_nothing_said(seen):
    assert capacity.sentence(seen(capacity=(bracket("embedded", None, None),))) == ""
    assert capacity.sentence(seen(capacity=())) == ""


def test_a_bracket_and_the_points_behind_it_are_shown_with_what_grew(show):
    found = bracket("embedded", 34.0, 68.0)
    odd = replace(found.points[0], n=None, n_eff=None, over=None, verdict="undecided")
    text = show(capacity=(replace(found, points=(odd, *found.points[1:])),), requests=[]).text
    assert "Embedded between 34 and 68 at most 5 % slower than 250 ms at most 5 %" in text
    assert "Embedded: between 34 and 68 predictions per second" in text
    assert "17 per second no value \N{EN DASH} undecided 34 per second 240 96 2.08 % ✓ pass" in text
    assert "68 per second 240 96 4.17 % ✕ fail the backlog grew" in text
