import math

from reports.reading import results
from tests.unit.reports.simulated import row


def of(*rows):
    return results.of("latency", rows)


def test_rows_are_found_by_variant_case_and_metric():
    found = of(row("a", "prediction", "response_p50", 26.0), row("b", "metadata", "response_p50", 2.0))
    median = found.find("a", "prediction", "response_p50")
    assert (median.value, median.unit, median.n) == (26.0, "ms", 1200)
    assert found.find("a", "prediction", "response_p10") is None
    assert found.variants == ("a", "b")


def test_experiments_never_share_a_table():
    found = results.of("peers", [row("a", "prediction", "response_p50", 3)])
    assert found.rows == ()


def test_low_load_is_the_lowest_rate_and_no_place_in_the_file():
    rows = [row("a", "prediction", "response_p50", value, rate=rate) for rate, value in ((40, 90), (4, 20), (12, 25))]
    found = of(*rows)
    assert found.find("a", "prediction", "response_p50").value == 20
    assert [each.offered_per_s for each in found.by_rate("a", "prediction", "response_p50")] == [4, 12, 40]
    assert found.at("a", "prediction", "response_p50", 12).value == 25
    assert found.at("a", "prediction", "response_p50", None) is None


def test_a_run_without_results_has_empty_look_ups():
    assert results.of("latency", None).find("a", "prediction", "response_p50") is None


def test_goodput_is_never_more_than_was_offered_and_never_less_than_nothing():
    (few,) = of(row("a", "prediction", "goodput", 80.0, -85.4, 143.0, unit="1/s", rate=79.3)).rows
    assert (few.value, few.low, few.high) == (79.3, 0.0, 79.3)


def test_the_goodput_of_bystanders_has_another_rate():
    (kept,) = of(row("a", "metadata", "goodput", 8.0, 7.9, 8.1, unit="1/s", rate=4.0)).rows
    assert kept.value == 8.0


def test_failures_reach_into_a_percentile():
    (fails,) = of(row("a", "prediction", "response_p95", math.inf)).rows
    assert fails.known
