import numpy as np
import pytest

from bench.statistics.steady import in_flight, little, steadiness

WINDOW_S = 20.0
WARMUP_S = 5.0
SERVICE_S = 0.025
MOST = 1.25


def queue(load: float, seed: int, service_s: float = SERVICE_S) -> tuple[np.ndarray, np.ndarray]:
    """Return intended and done of an M/D/1 server (Lindley's recursion, unrolled), warm-up included."""
    rng = np.random.default_rng(seed)
    intended = np.sort(rng.uniform(-WARMUP_S, WINDOW_S, round((WINDOW_S + WARMUP_S) * load / service_s)))
    work = service_s * np.arange(1, len(intended) + 1)
    return intended, work + np.maximum.accumulate(intended - work + service_s)


def label(load: float, seed: int) -> str:
    return steadiness(*queue(load, seed), 0, WINDOW_S, MOST).label


def test_in_flight_is_the_mean_of_a_slot_and_counts_what_never_ends():
    intended, done = [0.0, 0.5, 1.5], [1.0, 2.5, np.nan]
    assert in_flight(intended, done, [0, 1, 2, 3, 4]).tolist() == [1.5, 1.5, 1.5, 1.0]


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_a_server_below_its_capacity_is_rarely_called_saturated(load: float):
    assert sum(label(load, seed) == "saturated" for seed in range(100)) <= 5


@pytest.mark.parametrize("load", [1.1, 1.5, 2.0])
def test_a_server_beyond_its_capacity_is_called_saturated(load: float):
    assert sum(label(load, seed) == "saturated" for seed in range(30)) >= 29


def test_overload_from_an_empty_queue_has_the_index_2():
    intended = np.linspace(0, WINDOW_S, 2000, endpoint=False)
    step = steadiness(intended, 2 * intended, 0, WINDOW_S, MOST)
    assert (step.index, step.label) == (pytest.approx(2, rel=0.01), "saturated")
    assert step.slope_per_s == pytest.approx(50, rel=0.01)


def test_a_server_that_drifts_to_three_times_its_service_time_is_not_steady():
    intended = np.linspace(0, WINDOW_S, 400, endpoint=False)
    done = intended + 0.1 * (1 + 2 * intended / WINDOW_S)
    assert steadiness(intended, done, 0, WINDOW_S, MOST).label == "saturated"
    assert steadiness(intended, intended + 0.2, 0, WINDOW_S, MOST).label == "steady"


def test_a_small_drift_is_no_saturation_however_certain():
    intended = np.linspace(0, WINDOW_S, 4000, endpoint=False)
    step = steadiness(intended, intended + 0.1 + intended / 500, 0, WINDOW_S, MOST)
    assert step.slope_per_s > step.margin_per_s
    assert step.label == "steady"


def test_nothing_in_flight_is_steady():
    step = steadiness([], [], 0, WINDOW_S, MOST)
    assert (step.index, step.label) == (1.0, "steady")


def errors(change: str) -> float:
    """Return the error of Little's law after one mistake in the books of 1,000 requests."""
    intended, done = queue(0.5, seed=7, service_s=SERVICE_S / 2)
    start, end = intended[0], intended[-1] + 1
    if change == "counted twice":
        intended, done = np.append(intended, intended[500]), np.append(done, done[500])
    elif change == "lost":
        intended, done = np.delete(intended, 500), np.delete(done, 500)
    elif change == "without an end":
        done[500] = np.nan
    elif change == "done before it began":
        done[500] = intended[500] - 1
    value = little(intended, done, start, end, scheduled=1000)
    assert value is not None
    return value


def test_honest_books_add_up():
    assert errors("") < 1e-9


@pytest.mark.parametrize(
    ("change", "least"),
    [("counted twice", 9e-4), ("lost", 9e-4), ("without an end", 0.1), ("done before it began", 0.01)],
)
def test_one_request_of_a_thousand_that_is_miscounted_moves_the_books(change: str, least: float):
    assert errors(change) > least


def test_the_books_count_only_the_window_and_cut_what_outlasts_it():
    assert little([-1.0, 0.0, 1.0], [5.0, 1.0, 9.0], 0, 2, scheduled=2) == pytest.approx(0, abs=1e-12)


def test_without_requests_there_is_nothing_to_check():
    assert little([], [], 0, 1, scheduled=0) is None
