from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.latency import ladder
from bench.latency import profile as profiles
from bench.latency.arms import AGAIN, CONTROL, Arm
from bench.latency.profile import Profile, Rounds
from bench.load.schedule import WARM_UP
from bench.statistics.quantities import RAW_LIMIT
from runfile.facts import Step
from tests.unit.bench.toys import TARGETS, TINY

TINY_ONE = profiles.load(str(TINY))
ARMS = [
    Arm("one", None), Arm("two", None), Arm("one again", None, "one", AGAIN), Arm("late", None, "one", CONTROL, 9.0)
]  # fmt: skip
LOADS = (Rounds(0.2, 4, "constant"), Rounds(0.5, 3, "poisson"))
PROFILE = replace(TINY_ONE, raw_limit=True, turns=replace(TINY_ONE.turns, loads=LOADS))
SMALLEST = 100.0
CAPACITIES = st.floats(min_value=1, max_value=900)


def turns(arms: Sequence[Arm] = ARMS, profile: Profile = PROFILE, rounds: Sequence[int] = (4, 3), **how: bool) -> list:
    return ladder.turns(arms, profile, SMALLEST, rounds, **{"warm_up": False, **how})


def by_round(steps: Sequence[Step]) -> dict[int, list[Step]]:
    return {number: [step for step in steps if step.round == number] for number in {step.round for step in steps}}


def sent(steps: Sequence[Step], profile: Profile = PROFILE, seed: int = 1) -> dict[int, list[tuple[int, str, int]]]:
    """What is sent in each step: when after its start in ns, which case, which photo; the warm-up as step -1."""
    schedule = ladder.course(steps, profile, len(TARGETS), warmup_s=0.5, seed=(seed,)).schedule
    starts = {WARM_UP: 0, **{step.step: round(step.start_s * 1e9) for step in steps}}
    return {
        step: [
            (int(schedule.offset_ns[row]) - start, schedule.cases[schedule.case[row]], int(schedule.photo[row]))
            for row in np.flatnonzero(schedule.step == step)
        ]
        for step, start in starts.items()
    }


def test_everybody_has_one_turn_in_each_round_and_the_bare_model_ends_every_other():
    for number, steps in by_round(turns()).items():
        names = {"one", "two", "one again"} | ({"late"} if number <= 4 else set())  # low load only
        last = [RAW_LIMIT] * (number % 2)
        assert Counter(step.variant for step in steps) == Counter([*names, *last])
        assert [step.variant for step in steps][len(names) :] == last
        assert [step.position for step in steps] == list(range(1, len(names) + len(last) + 1))


def test_each_load_has_its_rounds_at_its_share_of_the_smallest_capacity():
    steps = turns()
    assert [(steps_[0].rate_per_s, steps_[0].of_capacity) for steps_ in by_round(steps).values()] == (
        [(20.0, 0.2)] * 4 + [(50.0, 0.5)] * 3
    )
    assert {(step.seconds, step.pause_s) for step in steps} == {(0.4, 0.1)}


@given(arms=st.integers(2, 5))
def test_over_the_rounds_everybody_stands_in_every_place_equally_often(arms: int):
    steps = turns([Arm(str(number), None) for number in range(arms)], replace(PROFILE, raw_limit=False), (2 * arms, 0))
    places = Counter((step.variant, step.position) for step in steps)
    assert set(places.values()) == {2}
    assert len(places) == arms**2


@given(arms=st.integers(2, 6), pairs=st.integers(1, 4))
def test_after_every_second_round_nobody_has_stood_further_ahead_than_anybody_else(arms: int, pairs: int):
    steps = turns([Arm(str(number), None) for number in range(arms)], PROFILE, (2 * pairs, 0))
    mean = {name: np.mean([step.position for step in steps if step.variant == name]) for name in ("0", "1")}
    assert len(set(mean.values())) == 1


def test_a_warm_up_turn_of_each_arm_comes_first_and_does_not_count():
    warm, rest = turns(warm_up=True)[:4], turns(warm_up=True)[4:]
    assert [(step.variant, step.reason, step.round) for step in warm] == [
        (arm.name, "warm-up", 0) for arm in ARMS
    ]  # the bare model is a process that is warm
    assert {(step.seconds, step.rate_per_s, step.pause_s) for step in warm} == {(PROFILE.turns.warmup_s, 20.0, 0.0)}
    assert all(step.reason == "" for step in rest)
    assert [replace(step, step=0, start_s=0.0) for step in rest] == [
        replace(step, step=0, start_s=0.0) for step in turns()
    ]


def test_steps_are_numbered_and_follow_each_other():
    steps = turns(warm_up=True)
    assert [step.step for step in steps] == list(range(len(steps)))
    for before, after in pairwise(steps):
        assert after.start_s == pytest.approx(before.start_s + before.seconds + before.pause_s)


def test_only_a_profile_with_a_raw_limit_has_turns_of_the_bare_model():
    assert RAW_LIMIT not in {step.variant for step in turns(profile=replace(PROFILE, raw_limit=False))}


@given(seed=st.integers(0, 99))
def test_within_a_round_all_get_the_same_requests_at_the_same_moments_but_the_bare_model_gets_none(seed: int):
    steps = turns()
    found = sent(steps, seed=seed)
    for own in by_round(steps).values():
        asked = [found[step.step] for step in own if step.variant != RAW_LIMIT]
        assert asked[0]
        assert all(each == asked[0] for each in asked)
        assert all(found[step.step] == [] for step in own if step.variant == RAW_LIMIT)


def test_no_two_rounds_have_the_same_requests():
    found = sent(steps := turns())
    rounds = [found[step.step] for step in steps if step.variant == "one"]
    assert len({str(each) for each in rounds}) == 7


def test_arrivals_of_turns_are_those_of_their_load_and_those_of_staircases_the_profile_s():
    """Of evenly spaced arrivals all gaps are alike."""
    steps = turns()
    found = sent(steps, replace(PROFILE, bystanders={}))
    own = {step.of_capacity: np.diff([at for at, *_ in found[step.step]]) for step in steps if step.variant == "one"}
    assert np.ptp(own[0.2]) <= 2
    assert np.ptp(own[0.5]) > 1e6
    climbing = ladder.staircase("one", PROFILE, 100.0, 2000.0)
    assert np.ptp(np.diff([at for at, *_ in sent(climbing, replace(PROFILE, bystanders={}))[0]])) > 1e6


def test_a_turn_sends_predictions_at_its_rate_and_bystanders_at_theirs():
    steps = turns(profile=replace(PROFILE, raw_limit=False))
    count = Counter(case for _, case, _ in sent(steps)[0])
    assert (count["prediction"], count["metadata"], count["page"]) == (8, 4, 2)  # 0.4 s at 20, 10 and 5 a second


@pytest.mark.parametrize(("spoiled", "wanted"), [({}, [0, 0]), ({1, 4}, [2, 0]), ({5}, [0, 1]), ({2, 6, 7}, [1, 2])])
def test_as_many_rounds_are_flown_again_at_each_load_as_were_spoiled_there(spoiled: set[int], wanted: list[int]):
    assert ladder.rounds_at(turns(warm_up=True), spoiled, PROFILE) == wanted


def test_rounds_that_were_flown_again_can_be_spoiled_again():
    """The second flight has rounds of one load only."""
    again = turns(rounds=ladder.rounds_at(turns(), {6, 7}, PROFILE))
    assert {step.of_capacity for step in again} == {0.5}
    assert ladder.rounds_at(again, {2}, PROFILE) == [0, 1]


def climb(*loads: float, capacity: float = 40.0, most: float = 2000.0, seconds: float = 3.0) -> list[Step]:
    steps = tuple(profiles.Step(load, seconds) for load in loads)
    return ladder.staircase("one", replace(PROFILE, steps=steps), capacity, most)


@given(capacity=CAPACITIES)
def test_a_staircase_has_shares_of_the_variant_s_own_capacity_the_same_for_all(capacity: float):
    steps = climb(0.1, 0.5, 2.0, capacity=capacity)
    assert [step.of_capacity for step in steps] == [0.1, 0.5, 2.0]
    assert [step.rate_per_s for step in steps] == pytest.approx([capacity * x for x in (0.1, 0.5, 2.0)], rel=0.005)
    assert {(step.variant, step.round, step.reason) for step in steps} == {("one", 0, "")}


@pytest.mark.parametrize(("load", "pause_s"), [(0.1, 0.0), (1.0, 0.0), (1.5, 1.8), (2.0, 3.6)])
def test_only_after_an_overload_there_is_time_to_work_off_what_has_piled_up(load: float, pause_s: float):
    assert climb(load)[0].pause_s == pytest.approx(ladder.SETTLE_S + pause_s)


def test_steps_beyond_what_the_generator_carries_are_left_out():
    assert [step.rate_per_s for step in climb(0.5, 1.0, 2.0, capacity=1000, most=1000)] == [500.0, 1000.0]


def test_a_staircase_is_warmed_up_with_its_first_load_for_an_overload_would_leave_it_a_backlog():
    found = sent(climb(0.5, 2.0, capacity=40))
    assert Counter(case for _, case, _ in found[WARM_UP])["prediction"] == 10  # half a second at 20 a second
    assert all(-5e8 <= at < 0 for at, *_ in found[WARM_UP])


@pytest.mark.parametrize("load", [0.0123456, 0.3, 1.7])
def test_an_offered_rate_has_no_more_than_three_digits(load: float):
    assert f"{ladder.rate_of(load, 123.456):.3g}" == f"{ladder.rate_of(load, 123.456):.15g}"


def test_a_course_sends_to_whom_the_step_is_about_and_those_with_a_delay_late():
    steps = turns(rounds=(1, 0))
    course = ladder.course(steps, PROFILE, len(TARGETS), warmup_s=0.0, seed=(1,), delays_ms={"late": 9.0})
    told = {step.variant: turn for step, turn in zip(steps, course.turns(["one", "two", "late"]), strict=True)}
    assert [(told[name].host, told[name].delay_ms) for name in ("one", "two", "late")] == [(0, 0), (1, 0), (2, 9.0)]
