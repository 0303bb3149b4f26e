import json
import math

import pytest

from bench.calibration.lines import Line, at_most, beside, close, table, value
from runfile.decoding import encode


@pytest.mark.parametrize(
    ("truth_s", "reported_s", "verdict"),
    [
        (1.82, 1.82 * 1.02, "ok"),  # 2 %
        (1.82, 1.86, "off"),
        (1.82, 0.01, "off"),  # what stock Locust says about the stall server
        (0.002, 0.0049, "ok"),  # 3 ms
        (0.002, 0.0051, "off"),
        (0.002, math.inf, "off"),
    ],
)
def test_a_percentile_may_be_off_by_two_percent_or_three_milliseconds(truth_s: float, reported_s: float, verdict: str):
    assert close("server", "p99", truth_s, reported_s, share=0.02, least_s=0.003).verdict == verdict


@pytest.mark.parametrize(("reported", "verdict"), [(1.0, "ok"), (1.01, "off"), (math.inf, "off")])
def test_what_should_be_zero_has_a_limit(reported: float, verdict: str):
    assert at_most("null server", "dispatch lag p99", "ms", reported, 1.0).verdict == verdict


def test_one_dropped_arrival_is_one_too_many():
    line = at_most("null server", "dropped", "", 1, 0)
    assert (line.verdict, line.allowed) == ("off", "none")


def test_what_is_only_shown_is_not_judged():
    assert beside("stock", "p99", "ms", 1820, 10).verdict == "not judged"


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [(2.004, "ms", "2.00 ms"), (23.46, "ms", "23.5 ms"), (1823.4, "ms", "1,823 ms"), (0, "", "0"),
     (math.inf, "ms", "inf ms")],
)  # fmt: skip
def test_numbers_for_people(number: float, unit: str, text: str):
    assert value(number, unit) == text


def test_the_table_is_aligned_and_says_once_what_was_tried():
    lines = [beside("a server", "p50", "ms", 2, 3), close("a server", "p99", 1.8, 1.8, share=0.02, least_s=0)]
    head, first, second = table(lines).splitlines()
    assert first.startswith("a server  p50")
    assert second.startswith("          p99")
    assert second.index("1,800 ms") + len("1,800 ms") == first.index("2.00 ms") + len("2.00 ms")
    assert head.split("  ")[0] == "tried on"


def test_json_has_none_where_nothing_was_answered():
    line = Line("server", "p99", "ms", 1.0, math.inf, "2%", "off")
    assert json.loads(encode(line))["reported"] is None
