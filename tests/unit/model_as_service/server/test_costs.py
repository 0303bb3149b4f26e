"""What is learned of the seconds of batches, and what follows for their size and for a newcomer's wait."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_as_service.server.costs import LEAP, SAFETY, TIE, Costs

seconds = st.floats(1e-6, 10, allow_nan=False)
shapes = st.fixed_dictionaries({1: seconds}, optional={2: seconds, 4: seconds, 8: seconds})


def cheap() -> Costs:
    """Four together take as long as two one after the other."""
    return Costs({4: 2.0, 1: 1.0, 2: 1.5})


def test_sizes_are_in_order() -> None:
    assert cheap().sizes == (1, 2, 4)


@given(shapes, st.floats(0.2, 5))
def test_the_pace_follows_a_machine_that_changes(shape: dict[int, float], factor: float) -> None:
    """Seen on one size, known for all."""
    costs = Costs(shape)
    for _ in range(60):
        costs.observe(1, shape[1] * factor)
    for size, before in shape.items():
        assert costs.expected(size) == pytest.approx(before * factor, rel=0.35)
    assert costs.expected(1) == pytest.approx(shape[1] * factor, rel=0.05)


def test_a_single_size_that_changes_is_learned_too_but_slowly() -> None:
    costs = cheap()
    for _ in range(400):
        costs.observe(1, 1.0)
        costs.observe(4, 3.0)
    assert costs.expected(4) / costs.expected(1) == pytest.approx(3.0, rel=0.05)


def test_one_accident_counts_as_a_leap_at_most() -> None:
    clipped, accident = cheap(), cheap()
    clipped.observe(1, LEAP)
    accident.observe(1, 1000.0)
    assert accident.expected(1) == clipped.expected(1) < 1.5


@given(shapes, st.lists(st.floats(0.1, 10), max_size=30))
def test_what_is_safe_is_never_less_than_what_is_expected(shape: dict[int, float], ratios: list[float]) -> None:
    costs = Costs(shape)
    for ratio in ratios:
        costs.observe(1, shape[1] * ratio)
    assert all(costs.safe(size) >= costs.expected(size) > 0 for size in shape)


def test_a_steady_machine_is_trusted_more_and_an_unsteady_one_less() -> None:
    steady, unsteady = cheap(), cheap()
    for number in range(50):
        steady.observe(1, 1.0)
        unsteady.observe(1, 0.5 + number % 2)
    assert steady.safe(1) < cheap().safe(1) < unsteady.safe(1)
    assert steady.safe(1) == pytest.approx(1.0, rel=0.01)


@given(shapes, st.integers(1, 40), st.floats(0, 40))
def test_a_larger_batch_fills_pays_and_ends_in_time(shape: dict[int, float], waiting: int, slack: float) -> None:
    costs = Costs(shape)
    best = costs.best(waiting, slack)
    if best > 1:
        assert best <= waiting
        assert costs.safe(best) <= slack
        assert costs.expected(best) / best <= TIE ** costs.sizes.index(best) * costs.expected(1) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("waiting", "slack", "size"),
    [(0, math.inf, 1), (1, math.inf, 1), (2, math.inf, 2), (3, math.inf, 2), (4, math.inf, 4), (99, math.inf, 4),
     (4, 2.5, 2), (4, 0.0, 1), (4, -1.0, 1)],
)  # fmt: skip
def test_the_size_that_is_worth_running(waiting: int, slack: float, size: int) -> None:
    assert cheap().best(waiting, slack) == size


def test_a_larger_batch_that_costs_more_per_image_is_not_made() -> None:
    assert Costs({1: 1.0, 2: 2.0, 4: 4.0}).best(4) == 4, "as cheap per image, and fewer ways to the model"
    assert Costs({1: 1.0, 2: 2.1, 4: 4.3}).best(4) == 1
    assert Costs({1: 1.0, 2: 2.1, 4: 3.0}).best(4) == 4, "a size that does not pay hides none that does"


@given(shapes, st.integers(0, 100))
def test_a_wait_is_that_of_batches_of_the_size_that_suits_best(shape: dict[int, float], images: int) -> None:
    costs = Costs(shape)
    size = costs.best(images)
    batches, swing = images / size, costs.safe(size) - costs.expected(size)
    assert costs.of(images) == pytest.approx(batches * costs.expected(size) + math.sqrt(batches) * swing)
    assert costs.of(size) == pytest.approx(costs.safe(size))
    assert SAFETY > 1
