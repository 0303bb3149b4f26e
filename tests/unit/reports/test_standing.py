import pytest

from reports import runfolder, standing


def judge(folder):
    return standing.judge(runfolder.read(folder))


def failed_gate(gate="G1", note="n = 1200"):
    return {"gate": gate, "title": "Sent in time", "variant": "embedded", "value": 9, "limit": 5, "unit": "ms",
            "passed": False, "note": note}  # fmt: skip


def test_a_sound_run_may_claim(build):
    judged = judge(build())
    assert judged.claims
    assert judged.notices == ()


def test_a_smoke_run_may_not(build):
    judged = judge(build(profile="smoke"))
    assert not judged.claims
    assert judged.smoke_only


def test_an_invalid_run_is_stamped_with_reasons_and_advice(build):
    judged = judge(build(gates=[failed_gate()], validity={"valid": False, "reasons": ["It was late."]}))
    (notice,) = judged.notices
    assert (notice.stamp, notice.reasons) == ("Not valid", ("It was late.",))
    assert "run again" in notice.advice
    assert not judged.claims


def test_the_note_of_an_unknown_gate_is_the_advice(build):
    (notice,) = judge(build(gates=[failed_gate("G77", "Buy a fan.")], validity={"valid": False})).notices
    assert notice.advice == "Buy a fan."
    assert notice.reasons == ("Sent in time: not so for embedded (G77)",)


def test_a_failed_gate_counts_even_where_the_run_calls_itself_valid(build):
    judged = judge(build(gates=[failed_gate()]))
    assert not judged.claims
    assert judged.notices[0].stamp == "Not valid"


def test_a_smoke_run_that_is_not_valid_does_not_prove_that_all_works(build):
    judged = judge(build(profile="smoke", validity={"valid": False, "reasons": ["x"]}))
    assert not judged.smoke_only
    assert "too short" in judged.why_not
    assert judged.notices


@pytest.mark.parametrize("state", ["running", "interrupted", "failed"])
def test_an_unfinished_run_says_so_once(build, state):
    judged = judge(build(state=state, validity={"valid": False, "reasons": ["the run is not finished"]}))
    assert [notice.stamp for notice in judged.notices] == ["Not finished"]
    assert "the run is not finished" in judged.notices[0].reasons


def test_a_run_that_nobody_judged_claims_nothing(build):
    judged = judge(build(validity=None))
    assert not judged.claims
    assert "nobody judged" in judged.why_not


def test_a_warning_does_not_silence_the_page(build):
    assert judge(build(gates=[failed_gate() | {"verdict": "warn", "passed": True}])).claims


def test_the_advice_of_a_gate_comes_before_ours(build):
    gate = failed_gate() | {"verdict": "fail", "advice": "Ask for a larger machine."}
    (notice,) = judge(build(gates=[gate], validity={"valid": False})).notices
    assert notice.advice == "Ask for a larger machine."
