import pytest

import runfile
from reports.reading import standing
from runfile.facts import Gate, Validity
from tests.unit.reports import simulated

INVALID = Validity(reasons=("It was late.",))


@pytest.fixture
def judge(climb):
    """Build a run, return its standing and its notices."""

    def run(**parts):
        folder = runfile.read(climb(**parts))
        return standing.judge(folder.run, folder.run.found["latency"]), standing.notices(folder)

    return run


def failed_gate(advice="Ask for a larger machine."):
    return Gate("G1", "Sent in time", "embedded", 9, 5, 5, "ms", "fail", "n = 1200", advice)


def test_a_sound_run_may_claim(judge):
    assert judge() == (standing.Standing(claims=True), [])


def test_a_short_run_may_not_although_nothing_is_wrong(judge):
    judged, notices = judge(verdicts=False)
    assert (judged.claims, judged.short, notices) == (False, True, [])


@pytest.mark.parametrize(("profile", "verdicts"), [("smoke", True), ("mine", False)])
def test_the_name_of_the_profile_means_nothing(judge, profile, verdicts):
    assert judge(verdicts=verdicts, run={"profile": profile})[0].claims is verdicts


def test_an_invalid_run_is_stamped_with_reasons_and_the_advice_of_its_gates(judge):
    judged, (notice,) = judge(gates=(failed_gate(),), validity=INVALID)
    assert (notice.stamp, notice.reasons) == ("Not valid", ("It was late.",))
    assert notice.advice == "Ask for a larger machine."
    assert not judged.claims


def test_what_a_run_says_of_a_failed_gate_is_told_of_the_gate_alone(judge):
    reasons = ("G1: Sent in time: embedded has 9 ms, the limit is 5 ms.", "It was late.", "G10: others.")
    _, (notice,) = judge(gates=(failed_gate(),), validity=Validity(reasons=reasons))
    assert (notice.gates, notice.reasons) == ((failed_gate(),), reasons[1:])


def test_a_failed_gate_counts_even_where_the_run_calls_itself_valid(judge):
    judged, (notice,) = judge(gates=(failed_gate(advice=""),))
    assert not judged.claims
    assert (notice.gates, notice.reasons) == ((failed_gate(advice=""),), ())
    assert notice.advice == "See the gates, then run again."


def test_a_failed_gate_of_the_session_counts_for_every_experiment(judge):
    judged, (notice,) = judge(run={"gates": (failed_gate(),)})
    assert not judged.claims
    assert "1 gate failed" in notice.text


def test_an_experiment_that_is_not_valid_does_not_silence_another(build):
    from tests.unit.reports.peers import simulated as peers

    found = {"latency": simulated.latency(validity=INVALID), "peers": peers.found()}
    folder = runfile.read(build(experiments=found))
    assert [standing.judge(folder.run, each).claims for each in folder.run.found.values()] == [False, True]
    (notice,) = standing.notices(folder)
    assert "The numbers of latency may be wrong" in notice.text


def test_a_short_run_that_is_not_valid_does_not_prove_that_all_works(judge):
    judged, notices = judge(verdicts=False, validity=INVALID)
    assert not judged.short
    assert "too short" in judged.words
    assert notices


@pytest.mark.parametrize("state", ["running", "interrupted", "failed"])
def test_an_unfinished_run_says_so_once(judge, state):
    judged, (notice,) = judge(run={"state": state, "validity": Validity(reasons=("the run is not finished",))})
    assert notice.stamp == "Not finished"
    assert "the run is not finished" in notice.reasons
    assert judged.words == "No verdict: the run did not finish."


def test_a_warning_does_not_silence_the_page(judge):
    assert judge(gates=(simulated.gate("G7", "Carried", verdict="warn"),))[0].claims


def test_the_worst_gates_come_first_and_all_are_counted():
    verdicts = {"G0": "pass", "G1": "not judged", "G2": "warn", "G3": "fail", "G4": "pass"}
    gates = [simulated.gate(name, "t", verdict=verdict) for name, verdict in verdicts.items()]
    assert [each.gate for each in standing.worst_first(gates)] == ["G3", "G2", "G1", "G0", "G4"]
    assert standing.tally(gates) == "2 passed, 1 passed with a warning, 1 failed, 1 not judged"
    assert standing.tally([]) == "none judged"


def test_one_gate_of_several_variants_is_one_group():
    gates = [simulated.gate(name, "t", variant) for variant in ("a", "b") for name in ("G9", "G1")]
    order = [(each.gate, each.variant) for each in standing.worst_first(gates)]
    assert order == [("G9", "a"), ("G9", "b"), ("G1", "a"), ("G1", "b")]
