"""The closed loop as a process, against servers in a thread."""

import itertools
import threading
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from bench.exits import GeneratorFailed
from bench.peers.closed import Exchange, measured, turnaround_ms
from bench.peers.slices import ClosedLoop, Photo, Slice, targets
from tests.unit.bench.peers import fake

CLOSED = "bench.peers.closed"


def loop(tmp_path: Path, url: str, patience_s: float = 2.0, photos: Sequence[Photo] = fake.PHOTOS) -> ClosedLoop:
    orders, log = tmp_path / "orders.json", tmp_path / "clients.log"
    made = ClosedLoop(orders, log=log, cores=(), settle_s=0.1, patience_s=patience_s)
    return made.prepare(url, "fastapi", targets(fake.fastapi(), photos, "no-op"))


def one(tmp_path: Path, respond: fake.Respond, clients: int = 2, **more: float) -> Slice:
    with fake.serving(respond) as url, loop(tmp_path, url, **more) as clients_:
        return clients_.turn(clients, 0.5)


def test_slices_come_back_in_their_order_with_a_latency_for_every_right_answer(tmp_path: Path):
    with fake.serving() as url, loop(tmp_path, url) as clients:
        found = [clients.turn(1, 0.3), clients.turn(3, 0.3)]
    assert [each.clients for each in found] == [1, 3]
    for each in found:
        assert each.failures == {}
        assert each.rate_per_s == pytest.approx(len(each.latency_ms) / 0.3, rel=0.3)
        assert all(0 < ms < 300 for ms in each.latency_ms)
        assert each.turnaround_ms is not None
        assert 0 < each.turnaround_ms < 5


def test_there_are_never_more_requests_than_clients_and_all_photos_are_asked_for(tmp_path: Path):
    lock, now, most, bodies = threading.Lock(), itertools.count(), [0], set()
    inside = [0]

    def respond(_: dict[str, str], body: bytes) -> tuple[int, str]:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            bodies.add(body)
            next(now)
        with lock:
            inside[0] -= 1
        return 200, fake.LABEL

    one(tmp_path, respond, clients=3)
    assert most[0] <= 3
    assert len(bodies) == len(fake.PHOTOS)
    assert next(now) > 10


@pytest.mark.parametrize(
    ("answer", "failure"), [((200, "lynx"), "wrong"), ((503, fake.LABEL), "refused"), ((500, fake.LABEL), "error")]
)
def test_what_is_not_the_right_answer_is_no_throughput(tmp_path: Path, answer: tuple[int, str], failure: str):
    found = one(tmp_path, lambda *_: answer)
    assert found.rate_per_s == 0
    assert found.failures == {failure: len(found.latency_ms)}
    assert set(found.latency_ms) == {float("inf")}


def test_half_of_the_answers_wrong_is_half_of_the_throughput(tmp_path: Path):
    numbers = itertools.count()
    found = one(tmp_path, lambda *_: (200, fake.LABEL if next(numbers) % 2 else "lynx"))
    wrong = found.failures["wrong"]
    assert wrong == pytest.approx(len(found.latency_ms) / 2, abs=2)
    assert found.rate_per_s == pytest.approx(wrong / 0.5, rel=0.3)


def test_a_server_that_hangs_is_given_up_and_counts_as_a_failure(tmp_path: Path):
    over = threading.Event()

    def respond(*_: object) -> tuple[int, str]:
        over.wait(10)
        return 200, fake.LABEL

    connected: list[object] = []
    with fake.serving(respond, connected) as url, loop(tmp_path, url, patience_s=0.3) as clients:
        found = clients.turn(2, 0.3)
        over.set()
        later = clients.turn(2, 0.3)
    assert found.failures == {"timeout": 2}
    assert (found.rate_per_s, found.turnaround_ms) == (0, None)
    assert later.failures == {}
    assert later.rate_per_s > 0
    assert len(connected) == 4, "nobody waits on a connection over which a late answer may come"


def test_nobody_there_is_a_failure_of_every_request_and_not_of_the_clients(tmp_path: Path):
    with fake.serving() as url:
        pass
    with loop(tmp_path, url) as clients:
        found = clients.turn(2, 0.3)
    assert set(found.failures) == {"reset"}
    assert found.rate_per_s == 0


def test_clients_that_cannot_work_are_told_with_their_last_words(tmp_path: Path):
    with (
        loop(tmp_path, "no address") as broken,
        pytest.raises(GeneratorFailed, match=r"(?s)clients failed \(exit code 1\).*must look like http"),
    ):
        broken.turn(1, 0.1)


def test_connections_stay_open_from_slice_to_slice(tmp_path: Path):
    connected: list[object] = []
    with fake.serving(connected=connected) as url, loop(tmp_path, url) as clients:
        for crowd in (1, 3, 1, 3):
            clients.turn(crowd, 0.1)
    assert len(connected) == 3


def test_a_slice_goes_on_with_the_photo_at_which_the_last_one_stopped(tmp_path: Path):
    photos = [Photo(f"{number}.jpg", b"image %06d" % number, fake.LABEL) for number in range(10_000)]
    asked: list[int] = []

    def respond(_: dict[str, str], body: bytes) -> tuple[int, str]:
        asked.append(int(body[body.index(b"image ") :].split()[1]))
        return 200, fake.LABEL

    with fake.serving(respond) as url, loop(tmp_path, url, photos=photos) as clients:
        counts = [len(clients.turn(1, 0.1).latency_ms) for _ in range(3)]
    assert all(counts)
    assert asked == list(range(len(asked)))


def test_the_clients_never_sleep_within_a_slice_and_always_between_two(tmp_path: Path):
    def respond(*_: object) -> tuple[int, str]:
        threading.Event().wait(0.2)  # longer than anybody needs to ask again
        return 200, fake.LABEL

    def used_s(process: psutil.Process) -> float:
        times = process.cpu_times()
        return float(times.user + times.system)

    with fake.serving(respond) as url, loop(tmp_path, url) as clients:
        clients.turn(1, 0.1)
        (process,) = [each for each in psutil.Process().children(recursive=True) if CLOSED in each.cmdline()[:3]]
        before = used_s(process)
        assert clients.turn(1, 0.9).rate_per_s > 0
        within = used_s(process)
        with pytest.raises(psutil.TimeoutExpired):
            process.wait(0.3)
        assert used_s(process) == within
    assert within - before > 0.3, "it polls, so that nobody has to wake its core; half of one is left to other tests"
    assert not process.is_running()


def exchange(client: int, began_ms: float, done_ms: float, status: int = 200) -> Exchange:
    return Exchange(client, round(began_ms * 1e6), round(done_ms * 1e6), 0, status, b"", "" if status else "reset")


@pytest.mark.parametrize("period_ms", [40, 160, 240, 300, 450])
def test_the_rate_does_not_depend_on_how_many_answers_fit_into_a_slice(period_ms: int):
    """Eight clients, evenly spread, from before the slice of half a second to after it."""
    every = [
        exchange(client, end - period_ms, end)
        for client in range(8)
        for end in range(client * period_ms // 8, 1500, period_ms)
    ]
    counted = [(each, "ok") for each in every if 600e6 <= each.done_ns <= 1100e6]
    found = measured(8, counted, round(1100e6))
    assert found.rate_per_s == pytest.approx(8e3 / period_ms)


def test_a_quick_answer_before_a_slow_one_is_no_rate():
    assert measured(1, [(exchange(0, 100, 105), "ok")], round(505e6)).rate_per_s == pytest.approx(2.5)


def test_the_turnaround_is_that_of_each_client_between_whole_answers():
    ours = [exchange(0, 0, 10), exchange(1, 0, 20), exchange(0, 11, 30), exchange(1, 23, 40), exchange(0, 32, 50)]
    assert turnaround_ms(ours) == 2, "the median of 1, 2 and 3"
    assert turnaround_ms([*ours, exchange(1, 41, 42, 0), exchange(1, 90, 100)]) == 2, "after a failure it rests"
    assert turnaround_ms([exchange(0, 0, 10), exchange(1, 15, 20)]) is None
