"""One peer in one block, with a server in a thread and a bare loop whose speed is made up."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import pytest

from bench.exits import StackFailed
from bench.machine.cores import Split
from bench.peers import measure
from bench.peers.bare import Vision
from bench.peers.measure import Place, Rig
from bench.peers.profile import Profile, load
from bench.peers.rounds import MODEL, NO_OP, Round
from bench.peers.slices import Slice
from tests.unit.bench.peers import fake, made_up

PROFILE = Profile(**{**load("quick").__dict__, "rounds": 2})


class Running:
    """A peer that runs somewhere else."""

    base_url, peer, pid = "http://127.0.0.1:1", fake.fastapi(), 1

    def check(self) -> None:
        """All is well."""


class Clients:
    """Clients that ask nobody: each slice is noted, and has the next rate, 50 when there is none left."""

    def __init__(self, done: list[object], *rates: float) -> None:
        self.done, self.rates, self.lengths = done, iter(rates), list[float]()

    def turn(self, clients: int, seconds: float) -> Slice:
        self.done.append(clients)
        self.lengths.append(seconds)
        rate = next(self.rates, 50.0)
        return Slice(clients, rate, [1.0] if rate else [], {} if rate else {"wrong": 3}, 0.1)


class Bare:
    """A bare loop whose milliseconds are known beforehand, 20 when there are none left."""

    def __init__(self, done: list[object], *speeds: float) -> None:
        self.done, self.speeds = done, iter(speeds)

    def __enter__(self) -> Self:
        self.done.append("started")
        return self

    def __exit__(self, *_: object) -> None:
        self.done.append("stopped")

    def turn(self, seconds: float) -> float:
        assert seconds == PROFILE.slice_s
        self.done.append("bare")
        return next(self.speeds, 20.0)


@pytest.fixture
def done() -> list[object]:
    """What is done, in its order."""
    return []


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    vision = Vision(tmp_path, tmp_path, tmp_path, ())
    photos = {NO_OP: fake.PHOTOS, MODEL: fake.PHOTOS}
    return Rig(PROFILE, 1, tmp_path / "work", Split((0,), (1,), pinned=False), vision, photos)


@pytest.fixture
def closed(rig: Rig, done: list[object], monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Round]]:
    def measured(*speeds: float, model: str = MODEL, rates: Sequence[float] = ()) -> list[Round]:
        monkeypatch.setattr(Vision, "bare_loop", lambda *_: Bare(done, *speeds))
        return measure.closed(rig, Running(), Clients(done, *rates), model)  # type: ignore[arg-type]

    return measured


def test_bare_loop_and_server_take_turns_and_nobody_always_comes_first(closed, done):
    closed()
    assert done == [8, "started", "bare", 1, 8, "bare", 8, 1, "bare", "stopped"]


def test_the_no_op_model_is_asked_by_eight_clients_only(closed, done):
    closed(model=NO_OP)
    assert done == [8, "started", "bare", 8, "bare", 8, "bare", "stopped"]


def test_every_round_counts_and_a_turn_of_the_bare_loop_ends_one_and_begins_the_next(closed):
    rounds = closed(20.0, 40.0, 44.0)
    assert [(each.before_ms, each.after_ms) for each in rounds] == [(20.0, 40.0), (40.0, 44.0)]
    assert rounds[1].bare_ms == 42.0


def test_a_peer_is_asked_until_it_answers_before_anything_counts(closed, done):
    closed(rates=[0.0, 0.0, 50.0])
    assert done[:5] == [8, 8, 8, "started", "bare"]


def test_a_peer_without_a_right_answer_has_failed_and_the_bare_loop_is_stopped(closed, done):
    with pytest.raises(StackFailed, match=r"FastAPI gave no right answer: \{'wrong': 3\}"):
        closed(rates=[50.0, 0.0])
    assert done[-1] == "stopped"


def test_a_peer_and_its_clients_are_started_for_each_model_and_measured_as_a_whole(
    rig: Rig, done: list[object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    started = []

    @contextmanager
    def running(peer: object, *, model: str, **_: object) -> Iterator[Running]:
        started.append(model)
        yield Running()

    @contextmanager
    def clients(_: Rig, __: Place, ___: Running, model: str) -> Iterator[Clients]:
        started.append(f"clients of {model}")
        yield Clients(done)

    monkeypatch.setattr(measure, "RunningPeer", running)
    monkeypatch.setattr(measure, "clients_of", clients)
    monkeypatch.setattr(Vision, "bare_loop", lambda *_: Bare(done))
    monkeypatch.setattr(measure, "opened", lambda *_: [])
    monkeypatch.setattr(measure, "memory_of", lambda _: 5)
    found = measure.measure(rig, Place(1, 1, 1, fake.fastapi(), tmp_path))
    assert started == [NO_OP, f"clients of {NO_OP}", MODEL, f"clients of {MODEL}"]
    assert found.capacity == 50.0
    record = found.record()
    assert [len(each) for each in record["rounds"].values()] == [2, 2]
    assert record["rounds"][NO_OP][0]["slices"][0]["turnaround_ms"] == 0.1


def test_capacity_is_the_median_over_rounds():
    slices = [[Slice(8, rate, [1.0], {}, 0.1)] for rate in (50.0, 10.0, 51.0)]
    found = replace(made_up.measured(), rounds={MODEL: [Round(20.0, own, 20.0) for own in slices]})
    assert found.capacity == 50.0


def test_what_the_overload_is_a_multiple_of_is_measured_for_longer_before_each_step(
    rig: Rig, done: list[object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    @contextmanager
    def generator(*_: object, **__: object) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(send=lambda plan: done.append(round(plan.schedule.measured.sum())))

    monkeypatch.setattr(measure, "Generator", generator)
    clients = Clients(done, 50.0, 40.0)
    steps = measure.opened(rig, Place(1, 1, 1, fake.fastapi(), tmp_path), Running(), clients)  # type: ignore[arg-type]
    assert done == [8, 2 * 50 * 3, 8, 5 * 40 * 3]
    assert [(each.before_per_s, each.after_per_s) for each in steps] == [(50.0, 40.0), (40.0, None)]
    assert clients.lengths == [3 * PROFILE.slice_s] * 2
