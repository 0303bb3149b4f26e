from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.schedule import SECOND_NS, Phase, Schedule, constant, count_of, draw, order_of_block, photos, poisson

RATES = st.floats(min_value=0.5, max_value=200)
SECONDS = st.floats(min_value=0.5, max_value=20)
SEEDS = st.integers(min_value=0, max_value=2**32)
TIMES = st.lists(st.integers(0, 60), max_size=60).map(sorted)
COLUMNS = ("offset_ns", "case", "photo", "step")
STEPS = [Phase(2.0, {"prediction": 8.0, "page": 2.0}, pause_s=0.5), Phase(1.0, {"prediction": 30.0, "page": 2.0})]
WARM_UP = Phase(3.0, STEPS[1].rates)


def rows(schedule: Schedule) -> list[tuple[int, ...]]:
    return list(zip(*(getattr(schedule, name).tolist() for name in COLUMNS), strict=True))


def staircase(steps: list[Phase] = STEPS, *, arrivals: str = "poisson", seed: tuple[int, ...] = (1, 0)) -> Schedule:
    return draw(WARM_UP, steps, 7, arrivals=arrivals, seed=seed)


def at(*seconds: float) -> Schedule:
    zeros = np.zeros(len(seconds), dtype=np.int64)
    return Schedule(("page",), np.array([round(each * SECOND_NS) for each in seconds], dtype=np.int64), *[zeros] * 3)


@given(process=st.sampled_from([poisson, constant]), rate=RATES, seconds=SECONDS, seed=SEEDS)
def test_arrivals_are_in_order_within_the_window_and_as_many_as_the_rate_says(process, rate, seconds, seed):
    offsets = process(rate, seconds, np.random.default_rng(seed))
    assert abs(len(offsets) - rate * seconds) < 1
    assert (np.diff(offsets) >= 0).all()
    assert ((offsets >= 0) & (offsets < round(seconds * SECOND_NS) + 1)).all()


@given(rate=st.integers(0, 5_000), milliseconds=st.integers(1, 20_000), seed=SEEDS)
def test_a_whole_number_of_arrivals_is_exact_however_it_is_written(rate, milliseconds, seed):
    rng = np.random.default_rng(seed)
    expected = rate * milliseconds / 1000
    counts = {count_of(rate, milliseconds / 1000, rng), count_of(expected / 7, 7.0, rng)}
    assert counts <= {int(expected), int(expected) + 1}
    assert not expected.is_integer() or counts == {int(expected)}


@pytest.mark.parametrize("rate", [0.1, 0.5, 2.25])
def test_of_a_fraction_chance_decides_so_that_a_rare_case_occurs_in_short_turns_too(rate: float):
    rng = np.random.default_rng(5)
    counts = [count_of(rate, 1.0, rng) for _ in range(20_000)]
    assert set(counts) == {int(rate), int(rate) + 1}
    assert np.mean(counts) == pytest.approx(rate, abs=0.015)


@given(count=st.integers(0, 300), catalogue=st.integers(1, 60), seed=SEEDS)
def test_every_photo_is_asked_for_equally_often_give_or_take_one(count, catalogue, seed):
    shown = Counter(photos(count, catalogue, np.random.default_rng(seed)).tolist())
    often = [shown[photo] for photo in range(catalogue)]
    assert sum(often) == count
    assert max(often) - min(often) <= 1


def test_gaps_of_a_poisson_process_vary_as_much_as_their_mean_and_constant_ones_not_at_all():
    gaps = np.diff(poisson(100, 500, np.random.default_rng(3)))
    assert gaps.std() / gaps.mean() == pytest.approx(1, abs=0.03)
    assert np.diff(constant(100, 5, np.random.default_rng(3))) == pytest.approx(SECOND_NS / 100, abs=1)


def test_the_same_seed_gives_the_same_schedule_and_another_block_another_one():
    first, again, other = (staircase(seed=(1, block)) for block in (0, 0, 1))
    assert rows(first) == rows(again)
    assert (first.offset_ns != other.offset_ns).any()


@pytest.mark.parametrize("arrivals", ["poisson", "constant"])
def test_each_step_has_its_rates_in_its_time_behind_the_pauses_and_the_warm_up_comes_before(arrivals):
    schedule = staircase(arrivals=arrivals)
    assert (np.diff(schedule.offset_ns) >= 0).all()
    counts = Counter((step, schedule.cases[case]) for _, case, _, step in rows(schedule))
    assert counts == {
        (-1, "prediction"): 90, (-1, "page"): 6, (0, "prediction"): 16, (0, "page"): 4, (1, "prediction"): 30,
        (1, "page"): 2,
    }  # fmt: skip
    for step, start, end in ((-1, -3.0, 0.0), (0, 0.0, 2.0), (1, 2.5, 3.5)):
        own = schedule.offset_ns[schedule.step == step] / SECOND_NS
        assert start <= own.min()
        assert own.max() < end
        assert own.max() - own.min() > 0.6 * (end - start)  # spread over all of it
    assert schedule.measured.tolist() == (schedule.offset_ns >= 0).tolist()


@given(seed=SEEDS, rate=RATES)
def test_staircases_that_begin_with_the_same_steps_begin_with_the_same_requests(seed, rate):
    higher = [*STEPS, Phase(1.0, {"prediction": rate, "page": 2.0})]
    short, long = (staircase(steps, seed=(seed, 1)) for steps in (STEPS, higher))
    assert rows(long)[: len(short)] == rows(short)
    assert (long.step[len(short) :] == 2).all()


def test_steps_and_cases_do_not_repeat_each_other():
    same = Phase(10.0, {"prediction": 5.0, "page": 5.0})
    schedule = draw(same, [same, same], 100, seed=(1, 0))
    parts = [
        tuple(schedule.offset_ns[(schedule.step == step) & (schedule.case == case)] % (10 * SECOND_NS))
        for step in (-1, 0, 1)
        for case in (0, 1)
    ]
    assert len(set(parts)) == len(parts)


def test_phases_with_the_same_number_get_the_same_arrivals_and_photos_and_another_number_others():
    """Variants that take turns in a round are asked the same, at the same times within their turns."""
    turns = [Phase(0.8, {"prediction": 20.0, "page": 2.5}, pause_s=0.2, draw=number) for number in (3, 3, 4)]
    schedule = draw(Phase(0.0, {}), turns, 7, seed=(1, 0))
    first, again, other = (
        [(at - step * SECOND_NS, case, photo) for at, case, photo, of in rows(schedule) if of == step]
        for step in range(3)
    )
    assert first == again
    assert first != other


def test_a_phase_may_have_arrivals_of_its_own():
    steps = [Phase(5.0, {"page": 20.0}, arrivals=arrivals) for arrivals in ("constant", "")]
    schedule = draw(Phase(0.0, {}), steps, 7, arrivals="poisson", seed=(1, 0))
    even, drawn = (np.diff(schedule.offset_ns[schedule.step == step]) for step in (0, 1))
    assert even == pytest.approx(SECOND_NS / 20, abs=1)
    assert drawn.std() > SECOND_NS / 50


def test_without_warm_up_everything_is_measured_and_without_anything_there_is_nothing():
    assert draw(Phase(0.0, {"page": 5.0}), [Phase(2.0, {"page": 5.0})], 3, seed=(1, 0)).measured.all()
    empty = draw(Phase(0.0, {}), [], 3, seed=(1, 0))
    assert (len(empty), empty.most_in_flight(1.0)) == (0, 0)


@given(count=st.integers(0, 50), of=st.integers(1, 7))
def test_the_shares_of_all_processes_are_the_whole_and_equally_large(count, of):
    schedule = draw(Phase(0.0, {}), [Phase(1.0, {"page": float(count)})], 5, seed=(1,))
    shares = [schedule.share(index, of) for index in range(of)]
    assert sorted(row for share in shares for row in rows(share)) == sorted(rows(schedule))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert [rows(share) for share in shares] == [rows(schedule)[index::of] for index in range(of)]


@given(times=TIMES, deadline_s=st.integers(1, 70))
def test_most_in_flight_is_what_a_server_holds_that_never_answers(times, deadline_s):
    # A request whose deadline is this very moment may still be there, so it counts, too.
    most = max((sum(0 <= now - start <= deadline_s for start in times) for now in times), default=0)
    assert at(*times).most_in_flight(deadline_s) == most


@given(variants=st.integers(1, 5), seed=SEEDS)
def test_after_two_blocks_per_variant_everybody_stood_everywhere_equally_often(variants, seed):
    orders = [order_of_block(variants, block, seed) for block in range(2 * variants)]
    assert all(sorted(order) == list(range(variants)) for order in orders)
    places = Counter((place, who) for order in orders for place, who in enumerate(order))
    assert set(places.values()) == {2}


def test_three_variants_go_through_all_six_orders():
    assert len({tuple(order_of_block(3, block, 1)) for block in range(6)}) == 6
