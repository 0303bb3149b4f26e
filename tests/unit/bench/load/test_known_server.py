import signal
import socket
import time
from contextlib import ExitStack

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.answers import judge
from bench.load.known_server import Discipline, arguments
from bench.load.oracle import responses, windows
from tests.unit.bench.calibration.servers import PHOTO, READY, answer, live

GOOD = b'HTTP/1.1 200 OK {"id": "1"}'


@given(
    arrivals=st.lists(st.integers(0, 60_000), max_size=60).map(sorted),
    service=st.integers(0, 2_000),
    stall=st.integers(1, 9_000),
    first=st.integers(0, 30_000),
)
def test_server_and_oracle_agree_although_they_share_no_code(arrivals, service, stall, first):
    discipline, every = Discipline(service, stall, every_ns := 10_000, first), every_ns
    answered, free = [], 0
    for arrival in arrivals:
        free = discipline.answered(arrival, free)
        answered.append(free - arrival)
    assert answered == pytest.approx(responses(arrivals, service, windows(first, stall, every, 1_000_000)).tolist())


def test_answers_are_what_the_generator_takes_for_good_and_the_connection_stays_open():
    with live() as server, server.connection() as connection:
        for request in (PHOTO, READY, PHOTO):
            connection.sendall(request)
            assert answer(connection) == GOOD
    assert judge("metadata", 200, b'{"id": "1"}', "1", {}).outcome == "ok"


def test_a_request_that_comes_in_pieces_is_one_request():
    with live() as server, server.connection() as connection:
        for piece in (PHOTO[:7], PHOTO[7:-2], PHOTO[-2:]):
            connection.sendall(piece)
        assert answer(connection) == GOOD
        connection.settimeout(0.05)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_requests_of_all_connections_stand_in_one_queue():
    """Five at once for a service time of 40 ms: the last is answered after 200 ms, not after 40."""
    with live("--service-ms", "40") as server, ExitStack() as stack:
        connections = [stack.enter_context(server.connection()) for _ in range(5)]
        began = time.monotonic()
        for connection in connections:
            connection.sendall(PHOTO)
        took = [answer(connection) and time.monotonic() - began for connection in connections]
    assert all(seconds >= least for seconds, least in zip(took, [0.04, 0.08, 0.12, 0.16, 0.20], strict=True))
    assert took[0] < 0.2, "the first need not wait for the others"


def test_a_stall_is_where_the_server_says_and_readiness_does_not_wait_for_it():
    with live("--stall-s", "0.5", "--every-s", "1000", "--first-stall-s", "0") as server:
        with server.connection() as ready, server.connection() as photo:
            photo.sendall(PHOTO)
            ready.sendall(READY)
            assert answer(ready) == GOOD
            asked = time.monotonic()
            answer(photo)
            answered = time.monotonic()
        stalls = server.facts["stalls"]
        end = server.facts["zero_ns"] / 1e9 + stalls["first_s"] + stalls["length_s"]
        assert asked < end <= answered
        assert answered - end < 0.4


def test_a_client_that_gives_up_keeps_its_place_and_harms_nobody():
    with live("--service-ms", "100") as server, server.connection() as patient:
        with server.connection() as impatient:
            impatient.sendall(PHOTO)
            for _ in range(2):  # when the second is answered, the server has read what came before the first
                patient.sendall(READY)
                answer(patient)
            impatient.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close with a reset
            time_of_giving_up = time.monotonic()
        patient.sendall(PHOTO)
        assert answer(patient) == GOOD
        assert time.monotonic() - time_of_giving_up > 0.15


def test_the_null_server_needs_less_than_a_five_thousandth_of_a_second_for_a_request():
    with live() as server, server.connection() as connection:
        used = psutil.Process(server.process.pid)
        before = used.cpu_times()
        for _ in range(2_000):
            connection.sendall(PHOTO)
            answer(connection)
        after = used.cpu_times()
    assert (after.user + after.system - before.user - before.system) / 2_000 < 1 / 5_000


def test_sigterm_ends_it():
    with live("--service-ms", "5") as server:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(5) == -signal.SIGTERM


def test_the_first_stall_ends_the_first_period_and_a_stall_without_end_is_refused():
    assert arguments(["--stall-s", "2", "--every-s", "20"]).first_stall_s == 18
    with pytest.raises(SystemExit):
        arguments(["--stall-s", "20", "--every-s", "20"])
