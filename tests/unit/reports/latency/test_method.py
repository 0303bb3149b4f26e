import pytest

from runfile.facts import Step, Trial
from tests.unit.reports.simulated import turns


@pytest.fixture
def say(show):
    """Build a run without figures and return how it was measured."""
    return lambda **parts: show(**({"rows": [], "requests": []} | parts)).text.split("How it was measured")[1]


def test_turns_staircase_bystanders_and_arms_are_told(say):
    said = say()
    assert "in turns of 0.5 s at 4 predictions per second: all stacks of a block are up" in said
    assert "in each of 3 rounds" in said
    assert "Embedded climbs 3 steps of 3 s in 2 blocks: 17, 34 and 68 predictions per second (0.5, 1 and 2" in said
    assert "of what was due in the second half of a step" in said
    assert "they are the bystanders" in said
    assert "This run has 2 complete blocks, each trial 9 s long." in said
    assert "embedded again is Embedded once more" in said
    assert "embedded + 10 ms is Embedded with a known change" in said


def test_a_run_without_turns_does_not_tell_of_them(say):
    steps = (Step(0, 0, 4, 10.95, 0.15, variant="a"), Step(1, 4, 2, 36.5, 0.5, variant="a"))
    said = say(names=("a",), trials=(Trial(1, 1, "a", steps=steps),))
    assert "turns" not in said
    assert "second half" not in said
    assert "a climbs 2 steps of 2 to 4 s in 1 block: 10.9 and 36.5 predictions per second (0.15 and 0.5 times" in said


def test_a_run_of_turns_alone_climbs_nothing(say):
    said = say(trials=(turns(1), turns(2)))
    assert "climbs" not in said
    assert "2 complete blocks" in said


def test_a_trial_that_was_rejected_makes_no_block(say):
    assert "1 complete block." in say(names=("a",), trials=(Trial(1, 1, "a"), Trial(2, 2, "a", reason="late")))


def test_a_run_that_did_not_say_is_not_made_up(say):
    assert "0 complete blocks." in say(trials=())
