from pathlib import Path

import numpy as np
import pytest

from bench.exits import UsageProblem
from bench.latency import expectations
from bench.statistics.quantities import RAW_LIMIT, Quantities
from runfile.facts import Check, Expectation, Side

LOW, ROUNDS = 4.0, 3  # predictions per second
SLOW, FAST, LIMIT = (Side(name, "prediction", "response_p50") for name in ("slow", "fast", RAW_LIMIT))
EXPECTED = Expectation("slow / fast", SLOW, FAST, "ratio", 1.5, "x")
AGAINST_LIMIT = Expectation("slow / bare", SLOW, LIMIT, "ratio", 1.25, "x")


def measured(**levels: list[float]) -> Quantities:
    """Blocks of rounds with these medians; in every second round the machine is twice as slow."""
    found = Quantities()
    for variant, medians in levels.items():
        for block, median in enumerate(medians, start=1):
            for round_ in range(ROUNDS):
                took = median * (1 + round_ % 2)
                found.add((variant.replace("_", " "), "prediction", LOW, "response"), block, np.full(20, took), round_)
    return found


def judged(found: Quantities, expected: Expectation = EXPECTED, *, verdicts: bool = True) -> Check:
    (check,) = expectations.judge([expected], found, ["slow", "fast"], verdicts=verdicts)
    return check


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
    check = judged(measured(slow=slow, fast=[1.0, 1.0, 1.0]))
    assert check.verdict == expected
    assert note in check.note


def test_a_profile_without_verdicts_withholds_them_but_shows_the_value():
    check = judged(measured(slow=[9.0, 9.0], fast=[1.0, 1.0]), verdicts=False)
    assert (check.verdict, check.value) == ("withheld", pytest.approx(9.0))


def test_only_blocks_that_both_sides_have_are_paired():
    assert judged(measured(slow=[1.2, 1.2, 1.2], fast=[1.0, 1.0])).n == 2


def test_only_low_load_is_judged_however_slow_the_rest():
    found = measured(slow=[1.2, 1.21, 1.19], fast=[1.0, 1.0, 1.0])
    for block in (1, 2, 3):
        found.add(("slow", "prediction", 2 * LOW, "response"), block, np.full(20, 9.0))
    assert judged(found).verdict == "met"


def test_the_bare_model_is_compared_round_by_round_at_its_pace_of_low_load():
    """It was measured at other paces, too, and in one round more that is slow."""
    found = measured(slow=[12.0, 12.1, 11.9], raw_limit=[10.0, 10.0, 10.0])
    found.add((RAW_LIMIT, "back to back", 0.0, "response"), 1, np.full(20, 1.0))
    found.add((RAW_LIMIT, "prediction", 2 * LOW, "response"), 1, np.full(20, 1.0))
    found.add((RAW_LIMIT, "prediction", LOW, "response"), 1, np.full(20, 99.0), 7)
    check = judged(found, AGAINST_LIMIT)
    assert (check.verdict, check.value, check.n) == ("met", pytest.approx(1.2, rel=0.01), 3)


def test_what_json_cannot_hold_is_told_in_the_note():
    check = judged(measured(slow=[np.inf, np.inf], fast=[1.0, 1.0]))
    assert (check.value, check.low, check.high) == (None, None, None)


def test_a_difference_is_no_ratio():
    expected = Expectation("slow - fast", SLOW, FAST, "difference", 5.0, "ms")
    check = judged(measured(slow=[13.0, 13.0], fast=[9.0, 9.0]), expected)
    assert (check.value, check.unit, check.verdict, check.limit) == (4.0, "ms", "met", 5.0)


def test_checks_of_absent_variants_are_left_out_and_the_raw_limit_is_always_there():
    assert expectations.judge([EXPECTED], measured(slow=[1.0]), ["slow"], verdicts=True) == ()
    (check,) = expectations.judge([AGAINST_LIMIT], measured(slow=[1.0]), ["slow"], verdicts=True)
    assert (check.verdict, check.value) == ("withheld", None)


def test_our_own_expectations_can_be_read():
    ours = expectations.load()
    assert [each.compare for each in ours] == ["ratio", "ratio", "difference"]
    assert ours[0].right == Side(RAW_LIMIT, "prediction", "response_p50")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("limit = 5.0", 'limit = "5"'), "check[2].limit: must be a valid number"),
        (("limit = 5.0", "limit = true"), "check[2].limit: must be a valid number"),
        (('compare = "difference"', 'compare = "guess"'), "check[2].compare: must be 'ratio' or 'difference'"),
        (("unit =", "unti ="), "check[0].unit is missing"),
        (('metric = "response_p50"', 'metric = "response"'), "check[0].left: 'response' is no percentile"),
        (("[[check]]", "[[chekc]]"), "chekc is not known here"),
        (('variant = "embedded", case', 'name = "embedded", case'), "check[0].left.variant is missing"),
        (('title = "Around', 'title = ""\n#'), "check[0].title: must not be empty"),
        (("limit = 5.0", "limit = "), "is not valid TOML"),
        (("limit = 5.0", "limit = 1e308"), "check[2].limit: must be less than or equal to 1000000000000"),
        (("limit = 5.0", "limit = inf"), "check[2].limit: must be a finite number"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, change: tuple[str, str], message: str):
    path = tmp_path / "mine.toml"
    path.write_text(expectations.OURS.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(UsageProblem) as problem:
        expectations.load(path)
    assert message in str(problem.value)
    assert str(path) in str(problem.value)
