"""One peer in one block, with a server in a thread and a bare loop whose speed is made up."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bench.exits import StackFailed
from bench.machine.cores import Split
from bench.peers import measure
from bench.peers.bare import Vision
from bench.peers.measure import Place, Rig
from bench.peers.profile import Profile, load
from bench.peers.rounds import MODEL, NO_OP, Round
from bench.peers.slices import ClosedLoop, Slice
from tests.unit.bench.peers import fake

PROFILE = Profile(**{**load("quick").__dict__, "rounds": 2})


class Running:
    """A peer that runs somewhere else."""

    base_url, peer = "http://127.0.0.1:1", fake.fastapi()

    def check(self) -> None:
        """All is well."""


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Rig, list[object]]:
    """A rig whose slices do nothing; what is done is noted in its order."""
    done: list[object] = []

    def run(_: ClosedLoop, *slices: tuple[int, float]) -> list[Slice]:
        done.append(tuple(clients for clients, _ in slices))
        return [Slice(clients, 50.0, [1.0], {}, 0.1) for clients, _ in slices]

    monkeypatch.setattr(ClosedLoop, "run", run)
    vision = Vision(tmp_path, tmp_path, tmp_path, ())
    photos = {NO_OP: fake.PHOTOS, MODEL: fake.PHOTOS}
    return Rig(PROFILE, 1, tmp_path / "work", Split((0,), (1,), pinned=False), vision, photos), done


def bare(monkeypatch: pytest.MonkeyPatch, done: list[object], *speeds: float) -> None:
    left = iter(speeds)

    def loop_ms(*_: object) -> float:
        done.append("bare")
        return next(left)

    monkeypatch.setattr(Vision, "loop_ms", loop_ms)


def closed(rig: Rig, tmp_path: Path, model: str = MODEL) -> list[Round]:
    return measure.closed(rig, Place(1, 1, 1, fake.fastapi(), tmp_path), Running(), model)  # type: ignore[arg-type]


def test_bare_loop_and_server_take_turns_and_nobody_always_comes_first(rig, monkeypatch, tmp_path: Path):
    this, done = rig
    bare(monkeypatch, done, 20.0, 20.0, 20.0)
    closed(this, tmp_path)
    assert done == [(8,), "bare", (1, 8), "bare", (8, 1), "bare"]


def test_the_no_op_model_is_asked_by_eight_clients_only(rig, monkeypatch, tmp_path: Path):
    this, done = rig
    bare(monkeypatch, done, 2.0, 2.0, 2.0)
    closed(this, tmp_path, NO_OP)
    assert done == [(8,), "bare", (8,), "bare", (8,), "bare"]


def test_a_round_in_which_the_machine_changed_is_measured_again(rig, monkeypatch, tmp_path: Path):
    this, done = rig
    bare(monkeypatch, done, 20.0, 40.0, 40.0, 44.0)
    rounds = closed(this, tmp_path)
    assert [(each.before_ms, each.after_ms) for each in rounds] == [(40.0, 40.0), (40.0, 44.0), (20.0, 40.0)]
    assert rounds[1].bare_ms == 42.0


def test_a_machine_that_never_rests_is_measured_twice_as_often_and_no_more(rig, monkeypatch, tmp_path: Path):
    this, done = rig
    bare(monkeypatch, done, 10.0, 20.0, 10.0, 20.0, 10.0)
    assert len(closed(this, tmp_path)) == 4


def test_a_peer_is_asked_until_it_answers_before_anything_counts(rig, monkeypatch, tmp_path: Path):
    this, done = rig
    bare(monkeypatch, done, 20.0, 20.0, 20.0)
    quick, rates = ClosedLoop.run, iter([0.0, 0.0, 50.0])

    def run(loop: ClosedLoop, *slices: tuple[int, float]) -> list[Slice]:
        found = quick(loop, *slices)
        return [replace(each, rate_per_s=next(rates, 50.0)) for each in found]

    monkeypatch.setattr(ClosedLoop, "run", run)
    closed(this, tmp_path)
    assert done[:4] == [(8,), (8,), (8,), "bare"]


def test_a_peer_without_a_right_answer_has_failed(rig, monkeypatch, tmp_path: Path):
    this, done = rig
    bare(monkeypatch, done, 20.0)
    monkeypatch.setattr(ClosedLoop, "run", lambda *_: [Slice(8, 0.0, [], {"wrong": 3}, 0.1)])
    with pytest.raises(StackFailed, match=r"FastAPI gave no right answer: \{'wrong': 3\}"):
        closed(this, tmp_path)


def test_a_peer_is_started_for_each_model_and_measured_as_a_whole(rig, monkeypatch, tmp_path: Path):
    this, done = rig
    bare(monkeypatch, done, *[20.0] * 6)
    started = []

    @contextmanager
    def running(peer: object, *, model: str, **_: object) -> Iterator[Running]:
        started.append(model)
        yield Running()

    monkeypatch.setattr(measure, "RunningPeer", running)
    monkeypatch.setattr(Running, "pid", 1, raising=False)
    monkeypatch.setattr(measure, "opened", lambda *_: [])
    monkeypatch.setattr(measure, "memory_of", lambda _: 5)
    found = measure.measure(this, Place(1, 1, 1, fake.fastapi(), tmp_path))
    assert started == [NO_OP, MODEL]
    assert found.capacity == 50.0
    record = found.record()
    assert [len(each) for each in record["rounds"].values()] == [2, 2]
    assert [len(each) for each in record["restless"].values()] == [0, 0]
