from dataclasses import replace

import pytest

from bench.latency import closing
from bench.latency.closing import capacity_words, check_words, floor_words, response_times
from bench.latency.conclude import conclude
from bench.latency.results import LEVELS, row
from bench.statistics.estimates import Estimate
from runfile.facts import Capacity, Check, Crossover, Experiments, Floor, Latency, Ratio, Run, Trial
from runfile.rows import ResultRow
from tests.unit.bench.latency.made_up import COPY, ONE, TWO, climb, raw, turns

NONE = Estimate(None, None, None, 20)
SURE = Estimate(12.345678, 11.0, 14.0, 400)
BRACKET = Capacity("embedded", 30.04, 45.06, 0.05, 250.0, 0.05)
FLOORS = (
    Floor("response_p50", 10.0, 1.0, 0.97, 1.03, 6, 0.0312), Floor("response_p50", 20.0, 1.0, 0.9, 1.1, 6, 0.1),
    Floor("response_p95", 10.0, None, None, None, 0, None),
)  # fmt: skip
CHECK = Check("The hop", 2.3456, 2.0, 2.7, 5.0, "ms", 6, "met")
RATIO = Ratio("stored", "live", "prediction", "response_p50", 10.0, 0.1234, 0.12, 0.13, 6, claim=True)
FOUND = Latency(verdicts=True, trials=(Trial(1, 1, ""),), capacity=(BRACKET,), noise_floor=FLOORS, checks=(CHECK,))
KNOWN = "response_p50 +-3.1% at 10/s, response_p50 +-10.0% at 20/s"
NOT_MEASURED = "The noise floor was not measured, so no difference is claimed."


def rows(variant: str, case: str, rate: float, *, full: bool = False, failed: float = 0.0) -> list[ResultRow]:
    """What results.csv holds of one case at one rate."""
    estimates = {metric: SURE if metric == "response_p50" and not full else NONE for metric in LEVELS}
    verdict = "saturated" if full else ""
    levels = [row(variant, case, name, of, "ms", rate=rate, verdict=verdict) for name, of in estimates.items()]
    share = Estimate(failed, None, None, 400)
    return [*levels, row(variant, case, "failed_share", share, "share", rate=rate)]


def words(table: list[ResultRow] = (), **found: object) -> list[str]:
    own = replace(FOUND, **found)
    return closing.words(Run(state="complete", experiments=Experiments(latency=own)), table)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


# The table of response times.


def test_a_line_has_the_median_with_its_interval_the_tail_the_failures_and_the_count():
    _, line = response_times(rows("embedded", "prediction", 12.0, failed=0.0123))
    assert cells(line) == ["embedded", "prediction", "12", "12.35 [11, 14]", "-", "1.2%", "400"]


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


# Who is faster.


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({}, "stored is faster than live at 10 predictions per second: 0.123 [0.12, 0.13] of its time (p50)"),
        (
            {"value": 1.5, "low": 1.4, "high": 1.6},
            "stored is slower than live at 10 predictions per second: 1.5 [1.4, 1.6] of its time (p50)",
        ),
        (
            {"value": 0.99, "low": 0.95, "high": 1.03, "claim": False},
            "stored and live cannot be told apart at 10 predictions per second: 0.99 [0.95, 1.03] of its time (p50)",
        ),
    ],
)
def test_who_is_faster_is_said_as_far_as_it_is_sure(change: dict[str, object], line: str):
    assert words(ratios=(replace(RATIO, **change),))[2] == line


def test_of_several_rates_and_metrics_the_median_at_low_load_is_told():
    ratios = (RATIO, replace(RATIO, offered_per_s=20.0), replace(RATIO, metric="response_p95"))
    assert len([line for line in words(ratios=ratios) if "stored" in line]) == 1


@pytest.mark.parametrize("silent", [{"verdicts": False}, {"ratios": (replace(RATIO, low=None, high=None),)}])
def test_a_profile_without_verdicts_and_a_single_block_say_nothing_of_who_is_faster(silent: dict[str, object]):
    assert not [line for line in words(**{"ratios": (RATIO,), **silent}) if "stored" in line]


# Capacity, noise, promises.


@pytest.mark.parametrize(
    ("low", "high", "line"),
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
def test_a_capacity_in_words(low: float | None, high: float | None, line: str):
    assert capacity_words(replace(BRACKET, low=low, high=high)) == line


@pytest.mark.parametrize(
    ("floors", "line"),
    [
        (
            FLOORS,
            f"Noise floor, from two equal systems: {KNOWN}. No smaller ratio is claimed.",
        ),
        (FLOORS[2:], NOT_MEASURED),
        ((), NOT_MEASURED),
    ],
)
def test_the_noise_floor_in_words(floors: tuple[Floor, ...], line: str):
    assert floor_words(floors) == [line]


@pytest.mark.parametrize(
    ("floors", "line"),
    [(FLOORS, "noise floor +-3.1%"), (FLOORS[2:], "noise floor not measured"), ((), "noise floor not measured")],
)
def test_the_noise_floor_beside_a_ratio_is_that_of_the_median_at_low_load(floors: tuple[Floor, ...], line: str):
    check = Check("The web", 1.1, 1.0, 1.2, 1.25, "x", 6, "met")
    found = Latency(verdicts=True, noise_floor=floors, checks=(check,))
    last = closing.words(Run(state="complete", experiments=Experiments(latency=found)), [])[-1]
    assert last == f"      met: The web: 1.1 [1, 1.2] x, limit 1.25, {line}"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({}, "The hop: 2.35 [2, 2.7] ms, limit 5"),
        ({"unit": "x"}, "The hop: 2.35 [2, 2.7] x, limit 5, the floor"),
        ({"low": None, "high": None}, "The hop: 2.35 ms, limit 5"),
        ({"value": None, "low": None, "high": None, "note": "not measured"}, "The hop: - ms, limit 5 (not measured)"),
    ],
)
def test_a_check_in_words_has_the_noise_floor_where_it_is_a_ratio(change: dict[str, object], line: str):
    assert check_words(replace(CHECK, **change), "the floor") == line


# The whole.


def test_a_run_ends_with_its_times_who_is_faster_capacities_noise_and_promises():
    lines = words(rows("v", "prediction", 4.0), ratios=(RATIO,))
    assert lines[1].startswith("v ")
    assert lines[2] == ""
    assert [line.split(":")[0].split()[0] for line in lines[3:]] == ["stored", "embedded", "Noise", "met"]
    assert lines[-1] == "      met: The hop: 2.35 [2, 2.7] ms, limit 5"


def test_a_check_that_is_a_ratio_is_never_without_its_noise_floor():
    missed = replace(CHECK, unit="x", verdict="missed")
    assert "   missed: The hop: 2.35 [2, 2.7] x, limit 5, noise floor +-3.1%" in words(checks=(missed,))


def test_a_crossover_is_told():
    told = "a is faster up to 8 predictions per second, b from 32 on"
    assert told in words(crossover=Crossover("a", "b", "response_p50", 8.0, 32.0, told))


def test_a_run_without_a_trial_says_nothing_of_noise():
    assert not [line for line in words(trials=()) if "Noise" in line or "noise" in line]
    assert closing.words(Run(state="failed"), []) == [*response_times([]), ""]


def test_what_was_concluded_from_a_run_can_be_told():
    made = raw(*[turns(block, arms=(ONE, TWO, COPY)) for block in (1, 2, 3)], climb(), arms=(COPY,))
    concluded = conclude(made)
    own = replace(made.run.experiments.latency, **concluded.facts)
    lines = closing.words(replace(made.run, experiments=Experiments(latency=own)), concluded.rows)
    assert "two and one cannot be told apart at 20 predictions per second: 1 [1, 1] of its time (p50)" in lines
    assert len([line for line in lines if line.startswith("one ") and "carries at least 50" in line]) == 1
