"""One peer in one block, with clients, a bare loop and a generator whose numbers are made up."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from bench.exits import StackFailed
from bench.peers.peer import Peer
from bench.peers.sitting import Rig, Sitting, measure
from bench.peers.slices import MODEL, NO_OP, typical
from bench.session.trial import Where
from runfile.facts import Round, Slice
from tests.unit.bench.peers import fake, made_up

PROFILE = made_up.profile(rounds=2)
WHERE = Where("peers", 1, "fastapi", 1)


@pytest.fixture
def done() -> list[object]:
    """What is done, in its order."""
    return []


def sitting(
    tmp_path: Path,
    done: list[object],
    *,
    rates: Sequence[float] = (),
    speeds: Sequence[float] = (),
    late: Sequence[bool] = (),
    turnarounds: Sequence[float] = (),
    repeats: int = 0,
) -> Sitting:
    rig = Rig(
        made_up.session(tmp_path, repeats=repeats), PROFILE, made_up.Vision(speeds, done),  # type: ignore[arg-type]
        {NO_OP: fake.PHOTOS, MODEL: fake.PHOTOS},
    )  # fmt: skip
    clients = made_up.Clients(done, *rates, turnaround_ms=turnarounds)
    return Sitting(rig, WHERE, made_up.Running(), clients, made_up.sending(done, late=late), [])  # type: ignore[arg-type]


def test_bare_loop_and_server_take_turns_and_nobody_always_comes_first(tmp_path: Path, done: list[object]):
    sitting(tmp_path, done).closed(MODEL)
    assert done == [8, "started", "bare", 1, 8, "bare", 8, 1, "bare", "stopped"]


def test_the_no_op_model_is_asked_by_eight_clients_only(tmp_path: Path, done: list[object]):
    sitting(tmp_path, done).closed(NO_OP)
    assert done == [8, "started", "bare", 8, "bare", 8, "bare", "stopped"]


def test_a_turn_of_the_bare_loop_ends_one_round_and_begins_the_next(tmp_path: Path, done: list[object]):
    rounds = sitting(tmp_path, done, speeds=[20.0, 24.0, 28.0]).closed(MODEL)
    assert [(each.before_ms, each.after_ms) for each in rounds] == [(20.0, 24.0), (24.0, 28.0)]
    assert rounds[1].bare_ms == 26.0


def test_a_round_around_which_the_bare_loop_changed_is_measured_again_and_told(tmp_path: Path, done: list[object]):
    this = sitting(tmp_path, done, speeds=[20.0, 40.0, 40.0, 40.0], repeats=2)
    said: list[str] = []
    this.rig.session.say = said.append
    rounds = this.closed(NO_OP)
    why = "the bare loop changed around it, from 20 to 40 ms per photo"
    assert [each.reason for each in rounds] == [why, "", ""]
    assert said == [f"fastapi, a round of no-op: measured again, because {why}"]
    assert this.rig.session.repeats == 1


def test_a_round_whose_clients_were_late_is_measured_again(tmp_path: Path, done: list[object]):
    rounds = sitting(tmp_path, done, turnarounds=[0.1, 7.0], repeats=1).closed(NO_OP)
    assert [each.reason for each in rounds] == ["the clients took 7 ms to ask again", "", ""]


def test_once_the_bound_is_reached_every_round_counts(tmp_path: Path, done: list[object]):
    rounds = sitting(tmp_path, done, speeds=[20.0, 40.0, 20.0]).closed(NO_OP)
    assert [each.reason for each in rounds] == ["", ""]


def test_rounds_that_were_measured_again_are_not_in_the_median():
    slices = [(Slice(8, rate, 0.1),) for rate in (50.0, 10.0, 51.0)]
    rounds = [Round(20.0, own, 20.0) for own in slices]

    def rate(each: Round) -> float:
        return each.rate_per_s(8)

    assert typical(rounds, rate) == 50.0
    assert typical([replace(rounds[0], reason="spoiled"), *rounds[1:]], rate) == 30.5


def test_a_peer_is_asked_until_it_answers_before_anything_counts(tmp_path: Path, done: list[object]):
    sitting(tmp_path, done, rates=[0.0, 0.0, 50.0]).closed(MODEL)
    assert done[:5] == [8, 8, 8, "started", "bare"]


def test_a_peer_without_a_right_answer_has_failed_and_the_bare_loop_is_stopped(tmp_path: Path, done: list[object]):
    with pytest.raises(StackFailed, match=r"FastAPI gave no right answer: \{'wrong': 3\}"):
        sitting(tmp_path, done, rates=[50.0, 0.0]).closed(MODEL)
    assert done[-1] == "stopped"


def test_what_the_overload_is_a_multiple_of_is_measured_for_longer_before_each_step(tmp_path: Path, done: list[object]):
    this = sitting(tmp_path, done, rates=[50.0, 40.0])
    steps = this.opened()
    assert done == [8, 2 * 50 * 3, 8, 5 * 40 * 3]
    assert [(each.before_per_s, each.after_per_s) for each in steps] == [(50.0, 40.0), (40.0, None)]
    assert this.clients.lengths == [3 * PROFILE.slice_s] * 2  # type: ignore[attr-defined]


def test_a_step_that_was_sent_late_is_sent_again_with_a_fresh_capacity(tmp_path: Path, done: list[object]):
    this = sitting(tmp_path, done, rates=[50.0, 50.0, 50.0, 45.0, 45.0], late=[True], repeats=1)
    steps = this.opened()
    assert [(each.of_capacity, each.reason) for each in steps] == [
        (2.0, "the generator was late: 40 ms at p99"), (2.0, ""), (5.0, ""),
    ]  # fmt: skip
    assert steps[1].before_per_s == 45.0
    assert [each.step for each in steps] == [1, 4, 6], "slices and steps of a trial are counted together"


def test_a_step_around_which_capacity_changed_is_sent_again_and_told(tmp_path: Path, done: list[object]):
    this = sitting(tmp_path, done, rates=[50.0, 30.0], repeats=1)
    said: list[str] = []
    this.rig.session.say = said.append
    assert [each.of_capacity for each in this.opened()] == [2.0, 2.0, 5.0]
    assert said == [
        "fastapi, 2 x capacity: measured again, because capacity changed around it, from 50 to 30 per second"
    ]


def test_a_peer_is_started_for_each_model_and_the_machine_is_watched_meanwhile(tmp_path: Path, done: list[object]):
    started: list[str] = []

    @contextmanager
    def sit(rig: Rig, where: Where, _: Peer, model: str, parts: list[pa.Table]) -> Iterator[Sitting]:
        started.append(model)
        yield Sitting(rig, where, made_up.Running(), made_up.Clients(done), made_up.sending(done, late=[True]), parts)  # type: ignore[arg-type]

    rig = sitting(tmp_path, done, repeats=1).rig
    found = measure(rig, WHERE, fake.fastapi(), sit)
    trial = found.trial
    assert started == [NO_OP, MODEL]
    assert (trial.trial, trial.block, trial.variant, trial.position, trial.capacity_per_s) == (1, 1, "fastapi", 1, 50.0)
    assert {model: len(rounds) for model, rounds in trial.rounds.items()} == {NO_OP: 2, MODEL: 2}
    assert trial.canary_ms
    assert trial.canary_ms > 0
    assert trial.usage is not None
    rows = found.requests().to_pandas()
    assert set(rows["case"]) == {"no-op", "alone", "8 clients", "capacity", "2 x capacity", "5 x capacity"}
    late = rows[rows["step"] == trial.overloads[0].step]
    assert len(late) == 300
    assert not late["counted"].any(), "it was sent again"
    assert rows[~rows["step"].isin(late["step"])]["counted"].all()
    assert not found.spoiled("stolen").requests().to_pandas()["counted"].any()
