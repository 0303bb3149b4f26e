"""The gates on runs that are made up: each disturbance trips its gate, and no other."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.gates import judging
from bench.latency.arms import Arm
from bench.session.experiment import Raw
from bench.session.trial import Measured
from runfile.facts import Usage
from tests.unit.bench.latency.made_up import (
    COPY,
    LATE,
    ONE,
    TWO,
    changed,
    climb,
    facts,
    gate,
    gates,
    raw,
    turns,
)

OF_ARM = ["G1", "G2", "G7", "G10"]
OF_TRIALS = ["G3", "G4", "G9", "G6-steal", "G6-throttled", "G6-foreign", "G6-canary", "G8"]
BUSY = [{"t_ns": round(at * 1e9), "process": "generator", "cpu_percent": 95.0} for at in (0.5, 1.5)]
THREE = Arm("three", None)


def noisy(factor: Callable[[str], float] = lambda _: 1.0, seed: int = 1) -> Callable[[int, int, str], float]:
    """Ten milliseconds and some noise, times a factor by arm."""
    noise = np.random.default_rng(seed).lognormal(0, 0.02, (9, 9, 99))
    return lambda block, round_, arm: 10 * noise[block, round_, len(arm)] * factor(arm)


def quiet(*more: Measured) -> Raw:
    return raw(turns(1), turns(2), climb(), climb(arm="two"), *more)


def disturbed(
    of_turns: Callable[[Measured], Measured] = facts, of_climb: Callable[[Measured], Measured] = facts
) -> Raw:
    return raw(of_turns(turns(1)), turns(2), of_climb(climb()), climb(arm="two"))


def used(**usage: float) -> Callable[[Measured], Measured]:
    return lambda made: facts(made, usage=replace(made.trial.usage, **usage))


def all_busy(made: Measured) -> Measured:
    return facts(made, usage=replace(made.trial.usage, busy_s=made.trial.usage.wall_s))


def some(made: Measured, count: int) -> np.ndarray:
    """The last requests that were sent to a variant."""
    return np.arange(len(made.load.table))[-count:]


def dropped(made: Measured, count: int = 8) -> Measured:
    less = changed(made, some(made, count), sent_ns=None, done_ns=None, outcome="dropped")
    return facts(less, requests_sent=made.trial.requests_sent - count)


def test_a_quiet_run_passes_all_its_gates():
    assert gates(quiet(), "warn", "fail", "not judged") == {}
    names = [*OF_ARM, *OF_ARM, *OF_TRIALS, *OF_TRIALS, *OF_TRIALS, "A2"]
    assert [name for name, _ in gates(quiet(), "pass")] == names
    assert {who for name, who in gates(quiet(), "pass") if name == "G8"} == {"turns", "one", "two"}
    assert {who for name, who in gates(quiet(), "pass") if name == "G1"} == {"one", "two"}


@pytest.mark.parametrize(
    ("run", "tripped"),
    [
        (lambda: raw(turns(1), turns(2), climb(lag_ms=9.0)), {("G1", "one"): pytest.approx(9.0)}),
        (lambda: disturbed(of_climb=dropped), {("G2", "one"): pytest.approx(8 / 260)}),
        (lambda: disturbed(of_climb=lambda made: replace(made, processes=BUSY)), {("G3", "one"): 95.0}),
        (lambda: disturbed(lambda made: facts(made, loop_lag_p99_ms=50.0)), {("G4", "turns"): 50.0}),
        (lambda: disturbed(used(steal_share=0.2)), {("G6-steal", "turns"): 0.1}),
        (lambda: disturbed(of_climb=used(throttled_s=0.5)), {("G6-throttled", "one"): 0.5}),
        (lambda: disturbed(of_climb=all_busy), {("G6-foreign", "one"): pytest.approx(0.7, abs=0.1)}),
        (lambda: disturbed(lambda made: facts(made, canary_ms=15.0)), {("G6-canary", "turns"): 2.0}),
        (lambda: disturbed(of_climb=lambda made: changed(made, some(made, 1), done_ns=-(10**9))), {
            ("G8", "one"): pytest.approx(2.0, abs=0.5)}),
        (lambda: disturbed(lambda made: facts(made, requests_sent=made.trial.requests_sent + 1)), {
            ("G9", "turns"): 1.0}),
        (lambda: disturbed(of_climb=lambda made: changed(made, some(made, 1), outcome="wrong")), {("G10", "one"): 1.0}),
    ],
)  # fmt: skip
def test_each_disturbance_trips_its_gate_and_no_other(run: Callable[[], Raw], tripped: dict[tuple[str, str], object]):
    assert gates(run(), "fail") == tripped


@pytest.mark.parametrize("disturb", [dropped, all_busy, used(steal_share=0.9), used(throttled_s=9.0)])
def test_what_does_not_count_trips_nothing(disturb: Callable[[Measured], Measured]):
    rejected = facts(disturb(climb(2, lag_ms=50.0)), reason="late", canary_ms=50.0, loop_lag_p99_ms=99.0)
    assert gates(quiet(rejected), "warn", "fail") == {}


def test_a_round_that_does_not_count_trips_nothing_whatever_was_sent_late_or_dropped_in_it():
    made = turns(1)
    last = np.isin(made.load.table["step"].to_numpy(), [step.step for step in made.trial.steps if step.round == 4])
    lost = facts(
        changed(made, last, sent_ns=None, done_ns=None, outcome="dropped"),
        requests_sent=made.trial.requests_sent - int(last.sum()),
    )
    assert gates(raw(lost, turns(2)), "fail") != {}
    assert gates(raw(lost.without({4: "late"}), turns(2)), "fail") == {}


def test_a_row_that_got_lost_behind_the_generator_is_missed():
    made = quiet()
    lost = gate(replace(made, requests=made.requests[:-1]), "G2", "two")
    assert lost.verdict == "fail"
    assert "1 not accounted for" in lost.note


def test_a_row_that_is_there_twice_is_noticed():
    made = quiet()
    twice = pd.concat([made.requests, made.requests[-1:]], ignore_index=True)
    assert gate(replace(made, requests=twice), "G2", "two").verdict == "fail"


# G1: of each arm, at its worst rate.


def test_lateness_is_told_for_the_rate_at_which_it_is_worst_not_on_average():
    """In time in 160 requests of turns, late in 30 of a step."""
    late = gate(raw(turns(1), turns(2), climb(loads={0.3: 1.0}, lag_ms=9.0)), "G1")
    assert (late.value, late.verdict, late.note) == (
        pytest.approx(9.0), "fail", "at 30 predictions per second, n = 30",
    )  # fmt: skip


def test_lateness_is_held_against_the_service_time_at_its_rate():
    """A twentieth of 400 ms is 20 ms, of 10 ms less than the 5 ms that anybody may have."""
    slow = raw(turns(1, took=lambda *_: 400.0, lag_ms=9.0), turns(2, took=lambda *_: 400.0))
    assert (gate(slow, "G1").verdict, gate(slow, "G1").fail_above) == ("warn", pytest.approx(20.0))
    both = raw(turns(1, took=lambda *_: 400.0, lag_ms=9.0), climb(loads={0.3: 1.0}, lag_ms=9.0))
    assert (gate(both, "G1").verdict, gate(both, "G1").fail_above) == ("fail", 5.0)


def test_lateness_is_held_against_the_fastest_route():
    made = changed(turns(1, took=lambda *_: 400.0, lag_ms=9.0), slice(None, None, 3), case="page")
    rows = np.flatnonzero(np.array(made.load.table["case"].to_pylist()) == "page")
    faster = changed(made, rows, done_ns=made.load.times("sent_ns")[rows] + 10_000_000)
    assert gate(raw(faster), "G1").verdict == "fail"


def test_no_lateness_at_all_hides_no_other():
    assert gate(raw(turns(1, lag_ms=0.0), turns(2, lag_ms=0.0), climb(lag_ms=9.0)), "G1").value == pytest.approx(9.0)


def test_what_the_control_is_late_on_purpose_is_not_the_generator_s_fault():
    made = raw(turns(1, arms=(ONE, LATE), lag_ms=0.5), arms=(LATE,), variants=["one"])
    assert gate(made, "G1", LATE.name).value == pytest.approx(0.5)


# The other gates of arms and trials.


def test_a_queue_that_grows_is_told_with_its_rate_and_spoils_nothing():
    grown = gate(raw(turns(), climb(loads={0.3: 2.0, 2.0: 2.0})), "G7")
    assert grown.verdict == "warn"
    assert grown.value > 1.25
    assert grown.note.startswith("at 200 predictions per second: in flight +")


def test_turns_are_too_short_for_a_queue_to_show():
    assert gate(raw(turns()), "G7").verdict == "not judged"


def test_staircases_are_judged_by_variant_turns_together_and_shares_by_their_mean():
    made = raw(
        used(steal_share=0.0, throttled_s=0.0)(climb(1)),
        used(steal_share=0.2, throttled_s=0.2)(climb(2)),
        used(steal_share=0.02, throttled_s=0.02)(climb(1, "two")),
        used(steal_share=0.04)(turns(1)),
        variants=["one", "two", "absent"],
    )
    names = ("one", "two", "turns")
    assert [gate(made, "G6-steal", name).value for name in names] == pytest.approx([0.1, 0.02, 0.04])
    assert [gate(made, "G6-throttled", name).value for name in names] == [0.2, 0.02, 0.0]  # no time is good
    assert not [who for _, who in gates(made, "pass", "warn", "fail", "not judged") if who == "absent"]


def test_a_canary_is_compared_with_those_of_all_trials():
    made = raw(turns(1), turns(2), facts(climb(), canary_ms=15.0))
    assert [gate(made, "G6-canary", name).value for name in ("turns", "one")] == [0.0, 2.0]


def test_what_the_machine_does_not_tell_is_not_judged():
    made = raw(facts(turns(), usage=Usage(), canary_ms=None))
    assert {name for name, _ in gates(made, "not judged")} == {
        "G6-steal", "G6-throttled", "G6-foreign", "G6-canary", "G7",
    }  # fmt: skip


def test_garbage_that_was_collected_while_sending_is_a_warning():
    assert gate(raw(facts(turns(), collections=1)), "G4", "turns").verdict == "warn"


# A/A, order, control.


@pytest.mark.parametrize(("slower", "verdict"), [(1.0, "pass"), (1.2, "fail")])
def test_two_copies_that_are_not_equal_trip_a1_and_nothing_else(slower: float, verdict: str):
    took = noisy(lambda arm: slower if arm == COPY.name else 1.0)
    made = raw(*[turns(block, took, (ONE, TWO, COPY)) for block in (1, 2, 3, 4)], arms=(COPY,))
    assert gate(made, "A1", COPY.name).verdict == verdict
    assert gates(made, "fail").keys() <= {("A1", COPY.name)}
    assert gates(made, "pass").keys() >= {("A1-width", COPY.name)}


def test_a_copy_whose_interval_is_wide_is_a_warning():
    noise = np.random.default_rng(2).lognormal(0, 0.2, (9, 9, 99))
    took = lambda block, round_, arm: 10 * noise[block, round_, len(arm)]  # noqa: E731
    made = raw(*[turns(block, took, (ONE, COPY)) for block in (1, 2, 3)], arms=(COPY,))
    assert ("A1-width", COPY.name) in gates(made, "warn")


@pytest.mark.parametrize(("put_in_ms", "verdict"), [(30.0, "pass"), (0.0, "fail")])
def test_a_delay_that_was_not_put_in_trips_a3(put_in_ms: float, verdict: str):
    arms = (ONE, replace(LATE, delay_ms=put_in_ms))
    made = raw(*[turns(block, noisy(), arms) for block in (1, 2, 3, 4)], arms=(LATE,), variants=["one"])
    assert gate(made, "A3", LATE.name).verdict == verdict
    assert gate(made, "A3", LATE.name).note.startswith("30 ms were put in, found ")


def test_the_control_is_compared_with_its_own_variant_within_rounds():
    took = lambda block, round_, _: 10.0 * (1 + round_ % 2) + block  # noqa: E731
    made = raw(*[turns(block, took, (ONE, TWO, LATE)) for block in (1, 2, 3)], arms=(LATE,))
    assert gate(made, "A3", LATE.name).verdict == "pass"
    assert "found 30 [30, 30] ms" in gate(made, "A3", LATE.name).note


def test_without_copies_there_is_nothing_to_judge_of_them():
    assert not {"A1", "A1-width", "A3"} & {name for name, _ in gates(quiet(), "pass", "warn", "fail", "not judged")}


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "pass"), (1.2, "warn")])
def test_an_effect_of_the_place_within_a_round_is_told(factor: float, verdict: str):
    arms = (ONE, TWO, THREE)
    place = {(step.round, step.variant): step.position for step in turns(arms=arms).trial.steps}
    base = noisy()
    took = lambda block, round_, arm: base(block, round_, arm) * factor ** place.get((round_, arm), 0)  # noqa: E731
    made = raw(*[turns(block, took, arms) for block in (1, 2, 3)], variants=["one", "two", "three"])
    assert gate(made, "A2", "").verdict == verdict


def test_rounds_that_are_not_complete_do_not_tell_the_order():
    both = [turns(block, noisy()) for block in (1, 2)]
    assert gate(raw(*both), "A2", "").verdict != "not judged"
    assert gate(raw(turns(arms=(ONE,))), "A2", "").verdict == "not judged"
    halved = raw(*both, turns(3, noisy(), (ONE,)))
    assert gate(halved, "A2", "").value == gate(raw(*both), "A2", "").value
    assert gate(raw(both[0].without(dict.fromkeys([1, 2, 3], "late"))), "A2", "").verdict == "not judged"


def test_a_gate_that_failed_says_in_words_who_and_what_to_do():
    reason = judging.reason(gate(raw(turns(1), climb(lag_ms=9.0)), "G1"))
    assert reason.startswith("G1: The generator sent in time (lag p99): one has 9 ms, the limit is 5 ms")
