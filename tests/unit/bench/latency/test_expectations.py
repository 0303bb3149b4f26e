from pathlib import Path

import numpy as np
import pytest

from bench.exits import UsageProblem
from bench.latency import expectations
from bench.latency.expectations import Check
from bench.statistics.quantities import RAW_LIMIT, Quantities

SIDE = ("prediction", "response_p50")
LOW = 4.0  # predictions per second
CHECK = Check("slow / fast", ("slow", *SIDE), ("fast", *SIDE), "ratio", 1.5, "x")


def measured(**levels: list[float]) -> Quantities:
    """Blocks of samples with these medians."""
    found = Quantities()
    for variant, medians in levels.items():
        for block, median in enumerate(medians, start=1):
            found.add((variant, "prediction", LOW, "response"), block, np.full(20, median))
    return found


def verdict(found: Quantities, *, verdicts: bool = True) -> dict[str, object]:
    (judged,) = expectations.judge([CHECK], found, ["slow", "fast"], verdicts=verdicts)
    return judged


@pytest.mark.parametrize(
    ("slow", "expected", "note"),
    [
        ([1.2, 1.21, 1.19], "met", ""),
        ([1.8, 1.81, 1.79], "missed", "above the limit"),
        ([1.2, 1.9, 1.4], "withheld", "spans the limit"),
        ([1.2], "withheld", "a single block"),
        ([np.inf, np.inf, np.inf], "missed", "too many requests failed"),
        ([], "withheld", "not measured on both sides"),
    ],
)
def test_a_verdict_needs_the_whole_interval_on_one_side(slow: list[float], expected: str, note: str):
    judged = verdict(measured(slow=slow, fast=[1.0, 1.0, 1.0]))
    assert judged["verdict"] == expected
    assert note in str(judged["note"])


def test_a_profile_without_verdicts_withholds_them_but_shows_the_value():
    judged = verdict(measured(slow=[9.0, 9.0], fast=[1.0, 1.0]), verdicts=False)
    assert (judged["verdict"], judged["value"]) == ("withheld", pytest.approx(9.0))


def test_only_blocks_that_both_sides_have_are_paired():
    assert verdict(measured(slow=[1.2, 1.2, 1.2], fast=[1.0, 1.0]))["n"] == 2


def test_only_low_load_is_judged_however_slow_the_rest():
    found = measured(slow=[1.2, 1.21, 1.19], fast=[1.0, 1.0, 1.0])
    for block in (1, 2, 3):
        found.add(("slow", "prediction", 2 * LOW, "response"), block, np.full(20, 9.0))
    assert verdict(found)["verdict"] == "met"


def test_what_json_cannot_hold_is_told_in_the_note():
    judged = verdict(measured(slow=[np.inf, np.inf], fast=[1.0, 1.0]))
    assert (judged["value"], judged["low"], judged["high"]) == (None, None, None)


def test_a_difference_is_no_ratio():
    check = Check("slow - fast", ("slow", *SIDE), ("fast", *SIDE), "difference", 5.0, "ms")
    (judged,) = expectations.judge(
        [check], measured(slow=[13.0, 13.0], fast=[9.0, 9.0]), ["slow", "fast"], verdicts=True
    )
    assert (judged["value"], judged["unit"], judged["verdict"]) == (4.0, "ms", "met")


def test_checks_of_absent_variants_are_left_out_and_the_raw_limit_is_always_there():
    against_limit = Check("t", ("slow", *SIDE), (RAW_LIMIT, *SIDE), "ratio", 1.5, "x")
    assert expectations.judge([CHECK], measured(slow=[1.0]), ["slow"], verdicts=True) == []
    assert len(expectations.judge([against_limit], measured(slow=[1.0]), ["slow"], verdicts=True)) == 1


def test_our_own_expectations_can_be_read():
    assert [check.compare for check in expectations.load()] == ["ratio", "ratio", "difference"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("limit = 5.0", 'limit = "5"'), "check 3: limit must be a number"),
        (('compare = "difference"', 'compare = "guess"'), "check 3: compare must be one of: ratio, difference"),
        (("unit =", "unti ="), "check 1 must have exactly these keys"),
        (('metric = "response_p50"', 'metric = "response"'), "check 1: left: 'response' is no percentile"),
        (("[[check]]", "[[chekc]]"), "must hold [[check]] tables only"),
        (("limit = 5.0", "limit = true"), "check 3: limit must be a number"),
        (('variant = "embedded", case', 'name = "embedded", case'), "check 1: left must have exactly these keys"),
        (("limit = 5.0", "limit = "), "is not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_file_and_check(tmp_path: Path, change: tuple[str, str], message: str):
    path = tmp_path / "mine.toml"
    path.write_text(expectations.OURS.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(UsageProblem) as problem:
        expectations.load(path)
    assert message in str(problem.value)
    assert str(path) in str(problem.value)
