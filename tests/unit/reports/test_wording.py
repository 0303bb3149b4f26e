import math

import pytest

from reports import wording

NB = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (4.0, "ms", f"4.00{NB}ms"),
        (41.23, "ms", f"41.2{NB}ms"),
        (412.3, "ms", f"412{NB}ms"),
        (4123.0, "ms", f"4,123{NB}ms"),
        (0.018, "share", f"1.80{NB}%"),
        (0.0, "share", f"0{NB}%"),
        (1.08, "ratio", "1.08"),
        (0.03, "", "0.030"),
        (3.0, "requests", f"3{NB}requests"),
        (math.inf, "ms", "fails"),
        (None, "ms", "no value"),
    ],
)
def test_numbers_carry_no_more_digits_than_they_can(value, unit, words):
    assert wording.number(value, unit) == words


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [(5.0, "ms", f"5{NB}ms"), (0.001, "share", f"0.1{NB}%"), (1.25, "ratio", "1.25"), (None, "ms", "no value")],
)
def test_limits_read_as_they_were_set(value, unit, words):
    assert wording.exact(value, unit) == words


def test_an_interval_may_end_in_failures():
    assert wording.interval(80, math.inf) == f"[80.0,{NB}fails]"
    assert wording.interval(0.0, 0.003, "share") == f"[0,{NB}0.30]"


def test_an_interval_with_an_unknown_bound_is_not_shown():
    assert wording.interval(1.0, None) == ""


def test_lists_read_like_a_sentence():
    assert wording.listed([]) == ""
    assert wording.listed(["a"]) == "a"
    assert wording.listed(["a", "b", "c"]) == "a, b and c"


def test_a_spread_is_one_number_where_all_agree():
    assert wording.spread([20.0, 20.0]) == "20"
    assert wording.spread([20.0, None, 40.0]) == "20 to 40"
    assert wording.spread([None]) == ""


def test_times_read_to_the_second():
    assert wording.moment("2026-11-22T13:48:00.954124Z") == "2026-11-22 13:48:00 UTC"
    assert wording.moment("yesterday") == "yesterday"
    assert wording.moment(None) == ""


def test_facts_read_as_people_write_them():
    values = {"memory_bytes": 8 * 2**30, "sut_cores": (0, 1), "again": True, "slo_ms": 250.0, "seed": None, "none": ()}
    assert wording.facts(values) == [
        ("memory", f"8.00{NB}GiB"), ("sut cores", "0, 1"), ("again", "yes"), ("slo ms", "250"), ("seed", "none"),
        ("none", "none"),
    ]  # fmt: skip


def test_a_sentence_has_a_capital_and_an_end():
    assert wording.sentence("it crosses") == "It crosses."
    assert wording.sentence("Does it?") == "Does it?"


@pytest.mark.parametrize(("value", "words"), [(4.0, "4"), (12.3456, "12.3"), (1234.5, "1,230"), (None, "no value")])
def test_rates_read_as_people_say_them(value, words):
    assert wording.rate(value) == words


@pytest.mark.parametrize(("half_width", "words"), [(0.04, "±4.0"), (0.0, "±0.0"), (0.123, "±12"), (25.0, "±2,500")])
def test_a_noise_floor_is_in_percent(half_width, words):
    assert wording.around(half_width) == f"{words}{NB}%"
