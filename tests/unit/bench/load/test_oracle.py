import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.oracle import mean_wait_md1, responses, windows

ARRIVALS = st.lists(st.floats(0, 60), max_size=60).map(sorted)
SERVICE = st.floats(0.001, 5)
STALLS = st.lists(st.floats(0, 60), max_size=8, unique=True).map(
    lambda edges: list(zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False))
)


def test_a_lone_request_takes_the_service_time():
    assert responses([3.0], 0.5).tolist() == [0.5]


def test_who_comes_while_another_is_served_waits_for_it():
    assert responses([0.0, 0.25, 2.0], 1.0).tolist() == [1.0, 1.75, 1.0]


def test_a_stall_postpones_starts_and_finishes_what_began_before_it():
    #  begun at 9.5, done at 10.5 within the stall; the one of 9.75 must wait for the end of the stall, at 12
    assert responses([9.5, 9.75, 11.0, 20.0], 1.0, [(10.0, 12.0)]).tolist() == [1.0, 3.25, 3.0, 1.0]


def test_a_stall_holds_from_its_begin_to_just_before_its_end():
    assert responses([10.0], 1.0, [(10.0, 12.0)]).tolist() == [3.0]
    assert responses([12.0], 1.0, [(10.0, 12.0)]).tolist() == [1.0]


def test_the_windows_of_a_period():
    assert windows(18.0, 2.0, 20.0, 60.0) == [(18.0, 20.0), (38.0, 40.0), (58.0, 60.0)]


@given(arrivals=ARRIVALS, service=SERVICE, stalls=STALLS)
def test_nobody_is_served_faster_than_the_service_time_or_overtakes_or_starts_in_a_stall(arrivals, service, stalls):
    took = responses(arrivals, service, stalls)
    done = np.asarray(arrivals) + took
    starts = done - service
    assert (took >= service * (1 - 1e-9)).all()
    assert (np.diff(done) >= service * (1 - 1e-9)).all()
    for begin, end in stalls:
        assert not ((starts > begin + 1e-9) & (starts < end - 1e-9)).any()


@given(arrivals=ARRIVALS, service=SERVICE, stalls=STALLS)
def test_the_server_is_never_idle_while_somebody_waits_except_in_a_stall(arrivals, service, stalls):
    starts = np.asarray(arrivals) + responses(arrivals, service, stalls) - service
    free = np.append(-np.inf, starts + service)
    for start, arrival, idle in zip(starts, arrivals, free, strict=False):
        reasons = [arrival, idle, *(end for _, end in stalls)]
        assert min(abs(start - reason) for reason in reasons) < 1e-9


@pytest.mark.parametrize("rho", [0.5, 0.7])
def test_a_million_poisson_arrivals_wait_as_pollaczek_and_khinchine_say(rho: float):
    service = 0.02
    arrivals = np.cumsum(np.random.default_rng(1).exponential(service / rho, size=1_000_000))
    wait = responses(arrivals, service).mean() - service
    assert wait == pytest.approx(mean_wait_md1(rho, service), rel=0.01)


def test_the_formula_by_hand_and_its_limits():
    assert mean_wait_md1(0.5, 0.02) == pytest.approx(0.01)
    assert mean_wait_md1(0.0, 0.02) == 0
    with pytest.raises(ValueError, match="no mean wait"):
        mean_wait_md1(1.0, 0.02)
