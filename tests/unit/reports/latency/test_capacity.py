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
    (row,) = capacity.table(seen(capacity=(bracket("embedded", low, high),))).rows
    texts = [cell.text.replace("\N{NO-BREAK SPACE}", " ") for cell in row.cells]
    assert texts == [words, "at most 5 % slower than 250 ms", "at most 5 %"]


def test_the_order_is_that_of_the_architectures_and_arms_have_no_bracket(seen):
    again = replace(bracket("embedded", 4.0, 8.0), variant="embedded again")
    found = seen(capacity=(bracket("model_as_service", 4.0, 8.0), again, bracket("embedded", 4.0, 8.0)))
    assert [row.name for row in capacity.table(found).rows] == ["embedded", "model_as_service"]


def test_brackets_of_different_objectives_share_no_sentence(seen):
    brackets = (bracket("embedded", 4.0, 8.0), bracket("model_in_db", 4.0, 8.0, slo_ms=100.0))
    assert capacity.sentence(seen(capacity=brackets)) == ""


def test_nothing_known_nothing_said(seen):
    assert capacity.sentence(seen(capacity=(bracket("embedded", None, None),))) == ""
    assert capacity.sentence(seen(capacity=())) == ""


def test_the_points_behind_a_bracket_are_shown_with_what_grew(seen):
    first, *_ = capacity.point_tables(seen())
    assert first.title == "Embedded: between 34 and 68 predictions per second"
    assert [(row.cells[-1].text, row.cells[-1].note) for row in first.rows] == [
        ("✓ pass", ""), ("✓ pass", ""), ("✕ fail", "the backlog grew"),
    ]  # fmt: skip
