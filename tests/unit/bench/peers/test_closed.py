"""The closed loop as a process, against servers in a thread."""

import itertools
import threading
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from bench.exits import GeneratorFailed
from bench.peers.asking import Photo, targets
from bench.peers.slices import Asked, ClosedLoop, Exchange, Orders
from runfile.columns import REQUESTS, schema_of
from tests.unit.bench.peers import fake

CLOSED = "bench.peers.closed"


def loop(tmp_path: Path, url: str, patience_s: float = 2.0, photos: Sequence[Photo] = fake.PHOTOS) -> ClosedLoop:
    orders = Orders(url, "fastapi", targets(fake.fastapi(), photos, "no-op"), settle_s=0.1, patience_s=patience_s)
    return ClosedLoop(orders, tmp_path, log=tmp_path / "clients.log", cores=())


def one(tmp_path: Path, respond: fake.Respond, clients: int = 2, **more: float) -> Asked:
    with fake.serving(respond) as url, loop(tmp_path, url, **more) as clients_:
        return clients_.turn(clients, 0.5)


def outcomes(found: Asked) -> dict[str, int]:
    return found.facts(0).failures


def test_slices_come_back_in_their_order_with_every_exchange(tmp_path: Path):
    with fake.serving() as url, loop(tmp_path, url) as clients:
        found = [clients.turn(1, 0.3), clients.turn(3, 0.3)]
    assert [each.clients for each in found] == [1, 3]
    for each in found:
        assert outcomes(each) == {}
        assert each.rate_per_s == pytest.approx(len(each.counted) / 0.3, rel=0.3)
        assert all(0 < one.done_ns - one.began_ns < 300e6 for one in each.exchanges)
        assert each.turnaround_ms is not None
        assert 0 < each.turnaround_ms < 5


def test_every_exchange_is_a_row_in_the_order_of_sending_and_those_of_the_beginning_do_not_count(tmp_path: Path):
    found = one(tmp_path, fake.right)
    rows = found.table("8 clients", 4)
    assert rows.schema.equals(schema_of(REQUESTS))
    table = rows.to_pylist()
    assert len(table) == len(found.exchanges) > sum(row["counted"] for row in table) == len(found.counted) > 0
    assert all(row["counted"] == (0 <= row["done_ns"] <= 0.5e9) for row in table)
    assert all(row["intended_ns"] == row["sent_ns"] < row["done_ns"] for row in table)
    assert [row["sent_ns"] for row in table] == sorted(row["sent_ns"] for row in table)
    assert {(row["case"], row["step"], row["status"], row["outcome"]) for row in table} == {("8 clients", 4, 200, "ok")}
    assert {row["photo_id"] for row in table} == {"a.jpg", "b.jpg"}


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
    assert outcomes(found) == {failure: len(found.counted)}


def test_half_of_the_answers_wrong_is_half_of_the_throughput(tmp_path: Path):
    numbers = itertools.count()
    found = one(tmp_path, lambda *_: (200, fake.LABEL if next(numbers) % 2 else "lynx"))
    wrong = outcomes(found)["wrong"]
    assert wrong == pytest.approx(len(found.counted) / 2, abs=2)
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
    assert outcomes(found) == {"timeout": 2}
    assert {row["status"] for row in found.table("alone", 0).to_pylist()} == {None}
    assert (found.rate_per_s, found.turnaround_ms) == (0, None)
    assert outcomes(later) == {}
    assert later.rate_per_s > 0
    assert len(connected) == 4, "nobody waits on a connection over which a late answer may come"


def test_nobody_there_is_a_failure_of_every_request_and_not_of_the_clients(tmp_path: Path):
    with fake.serving() as url:
        pass
    with loop(tmp_path, url) as clients:
        found = clients.turn(2, 0.3)
    assert set(outcomes(found)) == {"reset"}
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
        counts = [len(clients.turn(1, 0.1).exchanges) for _ in range(3)]
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
    return Exchange(client, round(began_ms * 1e6), round(done_ms * 1e6), "a.jpg", status, "ok" if status else "reset")


def asked(clients: int, seconds: float, *exchanges: Exchange) -> Asked:
    return Asked(clients, seconds, exchanges)


@pytest.mark.parametrize("period_ms", [40, 160, 240, 300, 450])
def test_the_rate_does_not_depend_on_how_many_answers_fit_into_a_slice(period_ms: int):
    """Eight clients, evenly spread, from before the slice of half a second to after it."""
    every = [
        exchange(client, end - period_ms, end)
        for client in range(8)
        for end in range(client * period_ms // 8 - 600, 900, period_ms)
    ]
    found = asked(8, 0.5, *every)
    assert found.rate_per_s == pytest.approx(8e3 / period_ms)


def test_a_quick_answer_before_a_slow_one_is_no_rate():
    assert asked(1, 0.505, exchange(0, 100, 105)).rate_per_s == pytest.approx(2.5)


def test_the_turnaround_is_that_of_each_client_between_whole_answers():
    ours = [exchange(0, 0, 10), exchange(1, 0, 20), exchange(0, 11, 30), exchange(1, 23, 40), exchange(0, 32, 50)]
    assert asked(2, 1, *ours).turnaround_ms == 2, "the median of 1, 2 and 3"
    later = asked(2, 1, *ours, exchange(1, 41, 42, 0), exchange(1, 90, 100))
    assert later.turnaround_ms == 2, "after a failure it rests"
    assert asked(2, 1, exchange(0, 0, 10), exchange(1, 15, 20)).turnaround_ms is None
