import pytest

from bench.latency.closing import (
    capacity_words,
    check_words,
    closing_words,
    floor_of_ratios,
    floor_words,
    number,
    response_times,
)
from bench.latency.results import LEVELS, row
from bench.statistics.estimates import Estimate

NONE = Estimate(None, None, None, 20)
SURE = Estimate(12.345678, 11.0, 14.0, 400)
BRACKET = {"variant": "embedded", "low": 30.04, "high": 45.06, "slo_ms": 250, "share": 0.05}
FLOORS = [{"metric": "response_p50", "half_width": 0.0312}, {"metric": "response_p95", "half_width": None}]
CHECK = {
    "title": "The hop", "value": 2.3456, "low": 2.0, "high": 2.7, "unit": "ms", "limit": 5.0, "verdict": "met",
    "note": "",
}  # fmt: skip
FACTS = {
    "capacity": [BRACKET], "crossover": None, "noise_floor": FLOORS, "trials": [{}], "checks": [CHECK],
    "state": "complete", "validity": {"valid": True, "reasons": []},
}  # fmt: skip


def rows(variant: str, case: str, rate: float, *, full: bool = False, failed: float = 0.0) -> list[dict[str, object]]:
    """What results.csv holds of one case at one rate."""
    estimates = {metric: SURE if metric == "response_p50" and not full else NONE for metric in LEVELS}
    verdict = "saturated" if full else ""
    levels = [row(variant, case, name, of, "ms", rate=rate, verdict=verdict) for name, of in estimates.items()]
    share = Estimate(failed, None, None, 400)
    return [*levels, row(variant, case, "failed_share", share, "share", rate=rate)]


def cells(line: str) -> list[str]:
    return [cell for cell in line.split("  ") if cell.strip()]


def test_a_line_has_the_median_with_its_interval_the_tail_the_failures_and_the_count():
    _, line = response_times(rows("embedded", "prediction", 12.0, failed=0.0123))
    assert [cell.strip() for cell in cells(line)] == [
        "embedded", "prediction", "12", "12.35 [11, 14]", "-", "1.2%", "400",
    ]  # fmt: skip


def test_a_median_that_is_withheld_and_a_step_that_is_saturated_say_so():
    lines = response_times([*rows("v", "prediction", 4.0, full=True), row("w", "page", "response_p50", NONE, "ms")])
    assert "saturated" in lines[1]
    assert "withheld" in lines[2]
    nothing = row("w", "page", "response_p50", Estimate(None, None, None, 0), "ms")
    assert "[" not in response_times([nothing])[1]


def test_predictions_have_a_line_for_every_rate_and_bystanders_one_at_low_load():
    table = [each for case in ("page", "prediction") for rate in (4.0, 8.0) for each in rows("v", case, rate)]
    shown = [line.split()[:3] for line in response_times(table)[1:]]
    assert shown == [["v", "page", "4"], ["v", "prediction", "4"], ["v", "prediction", "8"]]
    both = response_times([*rows("v", "page", 4.0), *rows("w", "page", 4.0)])
    assert [line.split()[0] for line in both[1:]] == ["v", "w"]


def test_other_rows_are_not_response_times():
    goodput = row("v", "prediction", "goodput", SURE, "1/s", rate=4.0)
    assert len(response_times([goodput])) == len(response_times([])) == 1


def test_all_lines_are_aligned():
    table = [
        *rows("v", "prediction", 4.0),
        *rows("model_as_service", "metadata", 1234.5),
        *rows("v", "page", 4.0, full=True),
    ]
    assert len({len(line) for line in response_times(table)}) == 1


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (30.04, 45.06, "embedded               carries between 30 and 45.1 predictions per second (95% within 250 ms)"),
        (30.04, None, "embedded               carries at least 30 predictions per second (95% within 250 ms)"),
        (None, 45.06, "embedded               carries less than 45.1 predictions per second (95% within 250 ms)"),
        (
            None,
            None,
            "embedded               carries an unknown load: too few requests for any rate (95% within 250 ms)",
        ),
    ],
)
def test_a_capacity_in_words(low: float | None, high: float | None, words: str):
    assert capacity_words({**BRACKET, "low": low, "high": high}) == words


@pytest.mark.parametrize(
    ("floors", "words"),
    [
        (FLOORS, "Noise floor, from two equal systems: response_p50 +-3.1%. No smaller ratio is claimed."),
        (FLOORS[1:], "The noise floor was not measured (the profile full does), so no difference is claimed."),
        ([], "The noise floor was not measured (the profile full does), so no difference is claimed."),
    ],
)
def test_the_noise_floor_in_words(floors: list[dict[str, object]], words: str):
    assert floor_words(floors) == [words]


@pytest.mark.parametrize(
    ("floors", "words"),
    [(FLOORS, "noise floor +-3.1%"), (FLOORS[1:], "noise floor not measured"), ([], "noise floor not measured")],
)
def test_the_noise_floor_beside_a_ratio_is_that_of_the_median(floors: list[dict[str, object]], words: str):
    assert floor_of_ratios(floors) == words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "The hop: 2.35 [2, 2.7] ms, limit 5"),
        ({"unit": "x"}, "The hop: 2.35 [2, 2.7] x, limit 5, the floor"),
        ({"low": None, "high": None}, "The hop: 2.35 ms, limit 5"),
        ({"value": None, "low": None, "high": None, "note": "not measured"}, "The hop: - ms, limit 5 (not measured)"),
    ],
)
def test_a_check_in_words_has_the_noise_floor_where_it_is_a_ratio(change: dict[str, object], words: str):
    assert check_words({**CHECK, **change}, "the floor") == words


def test_a_good_run_ends_with_its_checks_and_no_complaint():
    lines = closing_words(FACTS, rows("v", "prediction", 4.0))
    assert lines[2] == ""
    assert lines[3].startswith("embedded ")
    assert lines[4].startswith("Noise floor, from two equal systems: response_p50 +-3.1%.")
    assert lines[5:] == ["      met: The hop: 2.35 [2, 2.7] ms, limit 5"]


def test_a_check_that_is_a_ratio_is_never_without_its_noise_floor():
    ratio = {**CHECK, "unit": "x", "verdict": "missed"}
    assert "   missed: The hop: 2.35 [2, 2.7] x, limit 5, noise floor +-3.1%" in closing_words(
        {**FACTS, "checks": [ratio]}, []
    )


def test_a_crossover_is_told():
    words = "a is faster up to 8 predictions per second, b from 32 on"
    assert words in closing_words({**FACTS, "crossover": {"words": words}}, [])


def test_a_run_that_was_cut_short_or_is_not_valid_says_so_with_every_reason():
    facts = {**FACTS, "state": "interrupted", "validity": {"valid": False, "reasons": ["it was late", "it was hot"]}}
    assert closing_words(facts, [])[-4:] == [
        "The run was interrupted; what was measured before is kept.",
        "This run is not valid, do not use its numbers:",
        "  - it was late",
        "  - it was hot",
    ]


def test_a_run_without_a_trial_says_nothing_of_noise():
    assert not [line for line in closing_words({**FACTS, "trials": []}, []) if "Noise" in line]


def test_a_number_has_four_digits():
    assert number({"value": 1234.567, "low": None}) == "1235"
    assert number({"value": 1.0, "low": None}, "low") == number({}) == "-"
