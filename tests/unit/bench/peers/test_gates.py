"""What is judged of machine and generator, peer by peer."""

from bench.peers import gates
from runfile.facts import Gate
from tests.unit.bench.peers import made_up
from tests.unit.bench.peers.made_up import LATE, LIMITS, Step, measured


def judged(*each: made_up.Measured) -> dict[tuple[str, str], Gate]:
    table = gates.judge(LIMITS, made_up.own(each), made_up.found(*each).steps)
    return {(gate.gate, gate.variant): gate for gate in table}


def test_a_quiet_machine_and_a_generator_in_time_pass():
    found = judged(measured(), measured("fastapi"))
    assert {gate.verdict for gate in found.values()} == {"pass", "not judged"}
    assert {gate for gate, _ in found} == {"G6-steal", "G6-throttled", "G6-foreign", "G6-canary", "G1", "G2"}


def test_stolen_time_is_judged_by_peer():
    found = judged(measured(steal=0.3), measured("fastapi"))
    assert found["G6-steal", "sweetspot"].verdict == "fail"
    assert found["G6-steal", "fastapi"].verdict == "pass"


def test_what_stayed_late_fails_although_its_numbers_are_withheld():
    found = judged(measured(steps=[Step(LATE)]), measured("fastapi"))
    assert (found["G1", "sweetspot"].verdict, found["G1", "sweetspot"].value) == ("fail", 40.0)
    assert found["G1", "fastapi"].verdict == "pass"


def test_what_was_sent_again_is_not_judged():
    found = judged(measured(steps=[Step(LATE, reason="the generator was late"), Step(before=100.0)]))
    assert found["G1", "sweetspot"].verdict == "pass"
