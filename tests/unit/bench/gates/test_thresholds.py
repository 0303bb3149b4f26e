from dataclasses import replace
from pathlib import Path

import pytest

from bench.exits import UsageProblem
from bench.gates import thresholds
from bench.gates.thresholds import Threshold
from runfile.facts import Gate

GATES = {
    "G1", "G2", "G3", "G4", "G5-lag", "G5-service", "G6-steal", "G6-throttled", "G6-foreign", "G6-canary",
    "G7", "G8", "G9", "G10", "A1", "A1-width", "A2", "A3", "cores",
}  # fmt: skip
LIMIT = Threshold("Some title", "ms", 1.0, 5.0, "Do this.", gate="G0")


def test_our_own_thresholds_can_be_read_and_say_what_to_do():
    limits = thresholds.load()
    assert limits.version == 2
    assert set(limits.gates) == GATES
    assert (limits["G1"].passes, limits["G1"].fails) == (1.0, 5.0)
    assert {gate: set(limits[gate].extra) for gate in GATES if limits[gate].extra} == {
        "G1": {"pass_share", "fail_share"},
        "A1-width": {"pass_p95", "pass_p99"},
    }
    assert all(limits[gate].advice.endswith(".") for gate in GATES)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.0, "pass"), (1.0, "pass"), (1.1, "warn"), (5.0, "warn"), (5.1, "fail"), (float("inf"), "fail"),
     (float("nan"), "not judged"), (None, "not judged")],
)  # fmt: skip
def test_a_value_is_judged_by_both_limits(value: float | None, verdict: str):
    assert LIMIT.judge("v", value).verdict == verdict


def test_a_gate_holds_what_the_report_needs_and_json_can_hold():
    endless = replace(LIMIT, fails=float("inf"))
    assert endless.judge("v", float("inf"), "why") == Gate(
        gate="G0", title="Some title", variant="v", value=None, limit=1.0, fail_above=None,
        unit="ms", verdict="warn", note="why", advice="Do this.",
    )  # fmt: skip


def test_a_gate_with_more_to_consider_gives_its_own_verdict():
    assert LIMIT.judge("v", 0.0, verdict="fail").verdict == "fail"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("version = 2", "version = 0"), "version: must be greater than or equal to 1"),
        (("version = 2", ""), "version is missing"),
        (("extra.pass_share = 0.02", "pass_share = 0.02"), "gates.G1.pass_share is not known here"),
        (("fail = 5.0", 'fail = "5"'), "gates.G1.fail: must be a valid number"),
        (("fail = 5.0", "fail = 0.5"), "gates.G1: fail must not be below pass"),
        (("pass = 1.0", "pass = -1.0"), "gates.G1.pass: must be greater than or equal to 0"),
        (("pass = 1.0", "pass = nan"), "gates.G1.pass: must be a finite number"),
        (("fail = inf", "fail = nan"), "gates.G7.fail: must be greater than or equal to 0"),
        (("pass_share = 0.02", "pass_share = inf"), "gates.G1.extra.pass_share: must be a finite number"),
        (('unit = "%"', 'unit = ""'), "gates.G3.unit: must not be empty"),
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
