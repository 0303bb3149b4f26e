"""The closed loop as a process, against servers in a thread."""

import itertools
import threading
from pathlib import Path

import pytest

from bench.exits import GeneratorFailed
from bench.peers.slices import ClosedLoop, Slice, targets
from tests.unit.bench.peers import fake


def loop(tmp_path: Path, url: str, patience_s: float = 2.0) -> ClosedLoop:
    made = ClosedLoop(tmp_path / "orders.json", tmp_path / "clients.log", (), settle_s=0.1, patience_s=patience_s)
    made.prepare(url, "fastapi", targets(fake.fastapi(), fake.PHOTOS, "no-op"))
    return made


def one(tmp_path: Path, respond: fake.Respond, clients: int = 2, **more: float) -> Slice:
    with fake.serving(respond) as url:
        (found,) = loop(tmp_path, url, **more).run((clients, 0.5))
    return found


def test_slices_come_back_in_their_order_with_a_latency_for_every_right_answer(tmp_path: Path):
    with fake.serving() as url:
        found = loop(tmp_path, url).run((1, 0.3), (3, 0.3))
    assert [each.clients for each in found] == [1, 3]
    for each in found:
        assert each.failures == {}
        assert each.rate_per_s == pytest.approx(len(each.latency_ms) / 0.3, rel=0.3)
        assert all(0 < ms < 300 for ms in each.latency_ms)
        assert 0 < each.cpu_share <= 1


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

    with fake.serving(respond) as url:
        (found,) = loop(tmp_path, url, patience_s=0.3).run((2, 0.3))
        over.set()
    assert found.failures == {"timeout": 2}
    assert found.rate_per_s == 0


def test_nobody_there_is_a_failure_of_every_request_and_not_of_the_clients(tmp_path: Path):
    with fake.serving() as url:
        pass
    (found,) = loop(tmp_path, url).run((2, 0.3))
    assert set(found.failures) == {"reset"}
    assert found.rate_per_s == 0


def test_clients_that_cannot_work_are_told_with_their_last_words(tmp_path: Path):
    broken = loop(tmp_path, "no address")
    with pytest.raises(GeneratorFailed, match=r"(?s)clients failed \(exit code 1\).*must look like http"):
        broken.run((1, 0.1))
