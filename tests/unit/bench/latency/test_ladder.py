from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.latency import profile as profiles
from bench.latency.ladder import NEAR, SETTLE_S, Rung, ladder, phases, rung, seconds
from bench.latency.profile import Step
from bench.load.schedule import Phase
from tests.unit.bench.toys import TINY

PROFILE = profiles.load(str(TINY))
STEPS = [Step(0.1, 3.0), Step(0.5, 2.0), Step(2.0, 1.0)]
CAPACITIES = st.floats(min_value=1, max_value=10_000)


def rates(rungs: list[Rung]) -> list[float]:
    return [each.rate_per_s for each in rungs]


def test_the_variant_with_the_smallest_capacity_gets_shares_of_it():
    rungs = ladder(STEPS, 40, 40)
    assert rates(rungs) == [4.0, 20.0, 80.0]
    assert [each.of_capacity for each in rungs] == [0.1, 0.5, 2.0]
    assert [each.seconds for each in rungs] == [3.0, 2.0, 1.0]


def test_a_larger_capacity_begins_with_the_same_steps_and_climbs_on_to_shares_of_its_own():
    rungs = ladder(STEPS, 400, 40)
    assert rates(rungs) == [4.0, 20.0, 80.0, 200.0, 800.0]  # 40 would lie below what it has already been offered
    assert [each.of_capacity for each in rungs] == [0.01, 0.05, 0.2, 0.5, 2.0]


@pytest.mark.parametrize(("capacity", "count"), [(40 * NEAR - 0.1, 3), (40 * NEAR + 0.1, 4)])
def test_who_is_hardly_larger_climbs_no_further(capacity: float, count: int):
    assert len(ladder(STEPS, capacity, 40)) == count


@given(smallest=CAPACITIES, factor=st.floats(min_value=1, max_value=1000))
def test_every_ladder_rises_and_begins_with_the_common_steps(smallest: float, factor: float):
    own, common = ladder(STEPS, smallest * factor, smallest), ladder(STEPS, smallest, smallest)
    assert rates(own)[: len(STEPS)] == rates(common)
    assert [each.pause_s for each in own][: len(STEPS)] == [each.pause_s for each in common]  # so arrivals agree, too
    assert all(low < high for low, high in pairwise(rates(own)))
    assert all(each.of_capacity == pytest.approx(each.rate_per_s / (smallest * factor)) for each in own)


@pytest.mark.parametrize(("load", "pause_s"), [(0.1, 0.0), (1.0, 0.0), (1.5, 1.8), (2.0, 3.6)])
def test_only_after_an_overload_there_is_time_to_work_off_what_has_piled_up(load: float, pause_s: float):
    assert rung(Step(load, 3.0), 40, 40).pause_s == pytest.approx(SETTLE_S + pause_s)


def test_a_step_sends_predictions_at_its_rate_and_bystanders_at_theirs():
    phase = Rung(20.0, 0.5, 2.0, 0.3).phase({"metadata": 4.0})
    assert phase == Phase(2.0, {"prediction": 20.0, "metadata": 4.0}, 0.3)


def test_the_warm_up_has_the_load_of_the_second_step_and_no_pause():
    warm_up, steps = phases(PROFILE, ladder(PROFILE.steps, 100, 100))
    assert warm_up == Phase(PROFILE.warmup_s, {"prediction": 40.0, **PROFILE.bystanders}, 0.0)
    assert [(step.rates["prediction"], step.seconds, step.pause_s) for step in steps] == [
        (20.0, 1.0, SETTLE_S), (40.0, 1.0, SETTLE_S),
    ]  # fmt: skip


def test_a_single_step_is_warmed_up_with_its_own_load():
    warm_up, steps = phases(PROFILE, ladder(PROFILE.steps[:1], 100, 100))
    assert warm_up.rates == steps[0].rates


def test_the_time_of_a_trial_is_warm_up_steps_and_pauses():
    profile = replace(PROFILE, warmup_s=2.0)
    assert seconds(profile, ladder(STEPS, 40, 40)) == pytest.approx(2.0 + 3 + 2 + 1 + 3 * SETTLE_S + 1.2)
