import pytest

from reports import gates, record
from tests.unit.reports.staircase import gate


def read(folder):
    return record.read(folder / "run.json")


def test_the_worst_gates_come_first_and_all_are_counted(build):
    verdicts = ("pass", "not judged", "warn", "fail", "pass")
    run = read(build(gates=[gate(f"G{place}", "t", "", 1.0, each) for place, each in enumerate(verdicts)]))
    assert [each.verdict for each in gates.noticed(run)] == ["fail", "warn", "not judged"]
    assert [each.gate for each in gates.passed(run)] == ["G0", "G4"]
    assert gates.tally(run) == "2 passed, 1 passed with a warning, 1 failed, 1 not judged"


@pytest.mark.parametrize(("passed", "verdict"), [(True, "pass"), (False, "fail"), (None, "not judged")])
def test_an_older_gate_says_only_whether_it_passed(build, passed, verdict):
    (found,) = read(build(gates=[{"gate": "G1", "passed": passed}])).gates
    assert (found.verdict, found.fail_above, found.advice) == (verdict, None, "")


def test_a_gate_that_did_not_pass_failed_whatever_it_says(build):
    (found,) = read(build(gates=[{"gate": "G1", "passed": False, "verdict": "pass"}])).gates
    assert found.verdict == "fail"


def test_a_verdict_of_another_version_is_still_shown(build):
    run = read(build(gates=[gate("G1", "t", "", 1.0, "odd")]))
    assert gates.tally(run) == "1 odd"
    assert gates.mark(run.gates[0])[0] == ""


def test_no_gates(build):
    assert gates.tally(read(build(gates=[]))) == "none judged"
