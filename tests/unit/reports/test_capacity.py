import pytest

from reports import capacity
from tests.unit.reports.staircase import bracket


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (28.0, 40.0, "between 28 and 40"),
        (28.0, None, "at least 28"),
        (None, 4.0, "below 4"),
        (None, None, "undecided"),
    ],
)
def test_a_bracket_says_no_more_than_its_bounds(build, seen, low, high, words):
    found = seen(build.staircase(capacity=[bracket("embedded", low, high)]))
    (row,) = capacity.table(found).rows
    texts = [cell.text.replace("\N{NO-BREAK SPACE}", " ") for cell in row.cells]
    assert texts == [words, "at most 5 % slower than 250 ms", "at most 5 %"]


def test_the_order_is_that_of_the_architectures_and_arms_have_no_bracket(build, seen):
    names = ("model_as_service", "embedded again", "embedded")
    found = seen(build.staircase(capacity=[bracket(name, 4.0, 8.0) for name in names]))
    assert [row.name for row in capacity.table(found).rows] == ["embedded", "model_as_service"]


def test_brackets_of_different_objectives_share_no_sentence(build, seen):
    brackets = [bracket("embedded", 4.0, 8.0), bracket("model_in_db", 4.0, 8.0) | {"slo_ms": 100}]
    assert capacity.sentence(seen(build.staircase(capacity=brackets))) == ""


def test_nothing_known_nothing_said(build, seen):
    assert capacity.sentence(seen(build.staircase(capacity=[bracket("embedded", None, None)]))) == ""
    assert capacity.sentence(seen(build())) == ""


def test_the_points_behind_a_bracket_are_shown(build, seen):
    first, *_ = capacity.point_tables(seen(build.staircase()))
    assert first.title == "Embedded: between 28 and 40 predictions per second"
    assert [cell.text for cell in first.rows[3].cells] == ["720", "380", "1.39\N{NO-BREAK SPACE}%", "✕ fail"]
