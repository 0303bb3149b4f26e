from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.schedule import SECOND_NS, constant, draw, order_of_block, photos, poisson

RATES = st.floats(min_value=0.5, max_value=200)
SECONDS = st.floats(min_value=0.5, max_value=20)
SEEDS = st.integers(min_value=0, max_value=2**32)


@given(process=st.sampled_from([poisson, constant]), rate=RATES, seconds=SECONDS, seed=SEEDS)
def test_arrivals_are_in_order_within_the_window_and_as_many_as_the_rate_says(process, rate, seconds, seed):
    offsets = process(rate, seconds, np.random.default_rng(seed))
    assert len(offsets) == round(rate * seconds)
    assert (np.diff(offsets) >= 0).all()
    assert ((offsets >= 0) & (offsets < round(seconds * SECOND_NS) + 1)).all()


@given(count=st.integers(0, 300), catalogue=st.integers(1, 60), seed=SEEDS)
def test_every_photo_is_asked_for_equally_often_give_or_take_one(count, catalogue, seed):
    shown = Counter(photos(count, catalogue, np.random.default_rng(seed)).tolist())
    often = [shown[photo] for photo in range(catalogue)]
    assert sum(often) == count
    assert max(often) - min(often) <= 1


def test_gaps_of_a_poisson_process_vary_as_much_as_their_mean():
    gaps = np.diff(poisson(100, 500, np.random.default_rng(3)))
    assert gaps.std() / gaps.mean() == pytest.approx(1, abs=0.03)


def test_the_same_seed_gives_the_same_schedule_and_another_block_another_one():
    first, again, other = (
        draw({"prediction": 5.0, "page": 2.0}, 1, 10, 7, arrivals="poisson", seed=(1, block)) for block in (0, 0, 1)
    )
    for field in ("offset_ns", "case", "photo"):
        assert (getattr(first, field) == getattr(again, field)).all()
    assert (first.offset_ns != other.offset_ns).any()


@pytest.mark.parametrize("arrivals", ["poisson", "constant"])
def test_each_case_gets_its_own_rate_and_the_warm_up_comes_before_the_window(arrivals):
    schedule = draw({"prediction": 8.0, "page": 2.0}, 3, 20, 7, arrivals=arrivals, seed=(1, 0))
    assert (np.diff(schedule.offset_ns) >= 0).all()
    in_window = Counter(schedule.cases[case] for case in schedule.case[schedule.measured])
    assert in_window == {"prediction": 160, "page": 40}
    warm = schedule.offset_ns[~schedule.measured]
    assert len(warm) == 30
    assert warm.min() >= -3 * SECOND_NS


def test_without_warm_up_everything_is_measured():
    assert draw({"page": 5.0}, 0, 2, 3, arrivals="poisson", seed=(1, 0)).measured.all()


@given(variants=st.integers(1, 5), seed=SEEDS)
def test_after_two_blocks_per_variant_everybody_stood_everywhere_equally_often(variants, seed):
    orders = [order_of_block(variants, block, seed) for block in range(2 * variants)]
    assert all(sorted(order) == list(range(variants)) for order in orders)
    places = Counter((place, who) for order in orders for place, who in enumerate(order))
    assert set(places.values()) == {2}


def test_three_variants_go_through_all_six_orders():
    assert len({tuple(order_of_block(3, block, 1)) for block in range(6)}) == 6
