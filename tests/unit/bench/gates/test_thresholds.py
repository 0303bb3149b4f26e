from pathlib import Path

import pytest

from bench.exits import UsageProblem
from bench.gates import thresholds
from bench.gates.thresholds import GATES, Threshold

LIMIT = Threshold("G0", "Some title", "ms", "Do this.", 1.0, 5.0)


def test_our_own_thresholds_can_be_read_and_say_what_to_do():
    limits = thresholds.load()
    assert limits.version == 1
    assert set(limits.gates) == set(GATES)
    assert (limits["G1"].passes, limits["G1"].fails, limits["G1"].extra["pass_share"]) == (1.0, 5.0, 0.02)
    assert all(limits[gate].advice.endswith(".") for gate in GATES)


@pytest.mark.parametrize(
    ("value", "verdict", "passed"),
    [(0.0, "pass", True), (1.0, "pass", True), (1.1, "warn", True), (5.0, "warn", True), (5.1, "fail", False),
     (float("inf"), "fail", False), (float("nan"), "not judged", None), (None, "not judged", None)],
)  # fmt: skip
def test_a_value_is_judged_by_both_limits(value: float | None, verdict: str, *, passed: bool | None):
    gate = LIMIT.judge("v", value)
    assert (gate["verdict"], gate["passed"]) == (verdict, passed)


def test_an_entry_holds_what_the_report_needs_and_json_can_hold():
    endless = Threshold("G0", "Some title", "ms", "Do this.", 1.0, float("inf"))
    assert endless.judge("v", float("inf"), "why") == {
        "gate": "G0", "title": "Some title", "variant": "v", "value": None, "limit": 1.0, "fail_above": None,
        "unit": "ms", "verdict": "warn", "passed": True, "note": "why", "advice": "Do this.",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("version = 1", "version = 0"), "version must be a whole number from 1"),
        (("version = 1", ""), "version must be a whole number from 1"),
        (("[G8]", "[G88]"), "G8 is missing; unknown gate G88"),
        (("pass_share = 0.02", ""), "G1 must have exactly these keys: advice, fail, fail_share, pass, pass_share"),
        (("fail = 5.0", 'fail = "5"'), "G1: fail must be a number, 0 or more"),
        (("fail = 5.0", "fail = 0.5"), "G1: fail must not be below pass"),
        (("pass = 1.0", "pass = -1.0"), "G1: pass must be a number, 0 or more"),
        (("pass = 1.0", "pass = nan"), "G1: pass must be a number, 0 or more"),
        (("repeat = 0.15", "repeat = inf"), "G6-canary: repeat must be a number, 0 or more"),
        (('unit = "%"', 'unit = ""'), "G3: unit must be some words"),
        (("pass = 1.0", "pass = "), "is not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, change: tuple[str, str], message: str):
    path = tmp_path / "mine.toml"
    path.write_text(thresholds.OURS.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(UsageProblem) as problem:
        thresholds.load(path)
    assert message in str(problem.value)
    assert str(path) in str(problem.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(UsageProblem, match=r"none\.toml cannot be read"):
        thresholds.load(tmp_path / "none.toml")
