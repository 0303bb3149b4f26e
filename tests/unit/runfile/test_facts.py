from dataclasses import replace

import pytest

from runfile.facts import Experiments, Latency, Overload, Peers, Run, Trial, Validity, together

LATENCY, PEERS = Latency(verdicts=True), Peers(verdicts=True)


def test_a_run_is_valid_where_all_its_experiments_are_and_tells_each_reason_once():
    good, late = Validity(valid=True), Validity(reasons=("late",))
    assert together([good, good]) == good
    assert together([good, late, Validity(reasons=("late", "stolen"))]) == Validity(reasons=("late", "stolen"))
    assert not together([]).valid


def test_what_a_run_found_is_known_by_the_names_of_its_experiments():
    none = Run(state="running")
    both = replace(none, experiments=none.experiments.put({"latency": LATENCY}).put({"peers": PEERS}))
    assert none.found == {}
    assert both.found == {"latency": LATENCY, "peers": PEERS}


@pytest.mark.parametrize(
    ("experiments", "verdicts"),
    [
        (Experiments(), False),
        (Experiments(latency=LATENCY), True),
        (Experiments(latency=LATENCY, peers=replace(PEERS, verdicts=False)), False),
        (Experiments(LATENCY, PEERS), True),
    ],
)
def test_claims_may_be_made_where_every_experiment_is_long_enough(experiments: Experiments, *, verdicts: bool):
    assert Run(state="complete", experiments=experiments).verdicts is verdicts


def test_a_trial_counts_unless_there_is_a_reason_why_not():
    kept, spoiled = Trial(1, 1, "v"), Trial(2, 1, "v", reason="the generator was late")
    assert Latency(trials=(kept, spoiled)).counted == [kept]


@pytest.mark.parametrize(
    ("load", "case"), [(2.0, "2 x capacity"), (1.5, "1.5 x capacity"), (2.001, "2.001 x capacity")]
)
def test_two_overloads_that_differ_are_two_cases(load: float, case: str):
    step = Overload(step=0, of_capacity=load, seconds=1.0, rate_per_s=9.0, before_per_s=4.0)
    assert (step.case, step.capacity_per_s) == (case, 4.0)
    assert replace(step, after_per_s=2.0).capacity_per_s == 3.0
