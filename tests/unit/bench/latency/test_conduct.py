from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from bench.latency import conduct, ladder
from bench.latency.conduct import Block, fly_rounds, lateness, let_rest, spoiled, spoiled_rounds
from bench.latency.profile import Rounds
from bench.machine.limit import Limit
from bench.session.session import Session, Settings
from bench.session.trial import Course, Measured, Up, Where
from bench.stacks.verify import Answer, Verified
from bench.statistics.quantities import RAW_LIMIT
from runfile.facts import Experiments, Latency, Step
from runfile.folder import RunFolder
from tests.unit.bench.latency.made_up import LATE, ONE, PROFILE, SMALLEST, TWO, changed, climb, facts, measured, turns
from tests.unit.bench.toys import CORES, LABELS, LIMITS, TARGETS, TOY

LOADS = (Rounds(0.2, 4, "constant"), Rounds(0.5, 3, "poisson"))
TWO_LOADS = replace(PROFILE, turns=replace(PROFILE.turns, loads=LOADS))
FAR_TOO_LATE = 20.0  # ms


@dataclass
class Said(Session):
    """A session that remembers what it said."""

    said: list[str] = field(default_factory=list)


@pytest.fixture
def session(tmp_path: Path) -> Said:
    folder = RunFolder(tmp_path, "x")
    folder.save(experiments=Experiments(latency=Latency()))
    answers = {target["id"]: Answer(LABELS, (0.2,) * len(LABELS)) for target in TARGETS}
    made = Said(Settings("x", TOY, tmp_path, 1, LIMITS, []), folder, CORES, capacity={"one": 900.0, "two": SMALLEST})
    made.verified.append(Verified("one", {"name": "toy", "version": "1"}, answers))
    made.say = made.said.append
    return made


def late_in(made: Measured, steps: Iterable[int], ms: float = FAR_TOO_LATE) -> Measured:
    """The same, but in these steps all was sent so late."""
    own = np.isin(made.load.table["step"].to_numpy(), list(steps))
    sent, done = (made.load.times(name)[own] + round(ms * 1e6) for name in ("sent_ns", "done_ns"))
    return changed(changed(made, own, sent_ns=sent), own, done_ns=done)


def late_rounds(made: Measured, rounds: Iterable[int], ms: float = FAR_TOO_LATE) -> Measured:
    return late_in(made, [step.step for step in made.trial.steps if step.round in rounds], ms)


# What is spoiled.


def test_rounds_that_were_in_time_are_not_spoiled(session: Said):
    assert spoiled_rounds(session, turns()) == {}
    assert spoiled(session, climb()) == ""


def test_a_round_is_spoiled_where_one_of_its_turns_was_late_and_no_other_round_is(session: Said):
    made = turns()
    step = next(step for step in made.trial.steps if (step.round, step.variant) == (3, "two"))
    assert spoiled_rounds(session, late_in(made, [step.step])) == {3: "the generator was late: 20.1 ms at p99"}


def test_late_warm_up_turns_spoil_nothing(session: Said):
    made = turns()
    assert spoiled_rounds(session, late_in(made, [step.step for step in made.trial.steps if not step.round])) == {}


def test_what_is_late_on_purpose_is_not(session: Said):
    made = turns(arms=(ONE, LATE))
    assert spoiled_rounds(session, made) == {}
    assert set(spoiled_rounds(session, late_rounds(made, [2]))) == {2}


def test_a_slow_service_may_be_sent_later(session: Said):
    """A twentieth of half a second is 25 ms."""
    assert spoiled_rounds(session, late_rounds(turns(took=lambda *_: 500.0), [1])) == {}


def test_what_was_never_sent_is_not_late(session: Said):
    made = turns()
    assert spoiled_rounds(session, changed(made, slice(None), sent_ns=None, done_ns=None, outcome="dropped")) == {}
    assert lateness(session, made, set()) == ""


def test_a_staircase_is_spoiled_as_a_whole_by_any_of_its_steps(session: Said):
    made = climb(loads={0.3: 1.0, 0.5: 1.0})
    assert spoiled(session, late_in(made, [1])).startswith("the generator was late: 20.1 ms")


@pytest.mark.parametrize(
    ("disturbance", "reason"),
    [
        ({"canary_ms": 50.0}, "the cores were 900% off their usual speed"),
        ({"usage": replace(climb().trial.usage, steal_share=0.2)}, "20% of the CPU was stolen"),
    ],
)
def test_a_machine_that_was_not_itself_spoils_a_staircase_and_all_rounds(
    session: Said, disturbance: dict[str, object], reason: str
):
    session.folder.save_found("latency", trials=(climb().trial,) * 3)
    assert spoiled(session, facts(climb(), **disturbance)) == reason
    assert spoiled_rounds(session, facts(turns(), **disturbance)) == dict.fromkeys([1, 2, 3, 4], reason)


# What becomes of it.


@dataclass
class Flying:
    """Flies made-up turns; which rounds are late in which flight is known beforehand."""

    late: list[set[int]]
    courses: list[Course] = field(default_factory=list)

    def __call__(self, course: Course) -> Measured:
        self.courses.append(course)
        made = measured(Where("latency", 1, ""), course, lambda _, sent: sent + 10_000_000)
        made = facts(made, trial=len(self.courses))
        return late_rounds(made, self.late.pop(0)) if self.late else made

    def rounds(self) -> list[int]:
        return [len({step.round for step in course.steps if step.round}) for course in self.courses]


def flown(session: Said, fly: Flying, profile=PROFILE) -> list[list[str]]:
    """Fly, and return the reason of each round of each trial that was kept, a trial's own where it does not count."""
    fly_rounds(Block(session, profile, [ONE, TWO], 1), fly)
    trials = session.folder.run.found["latency"].trials
    reasons = [{step.round: step.reason for step in trial.steps if step.round} for trial in trials]
    return [[trial.reason] if trial.reason else list(own.values()) for trial, own in zip(trials, reasons, strict=True)]


def counted(session: Said) -> int:
    """How many predictions of those that were kept count."""
    return sum(session.folder.tables["requests"]["counted"].to_pylist())


def test_good_rounds_are_flown_once_and_cost_no_repeat(session: Said):
    session.repeats = 1
    fly = Flying([])
    assert flown(session, fly, replace(PROFILE, turns=replace(PROFILE.turns, loads=LOADS[:1]))) == [[""] * 4]
    assert (session.repeats, session.said, counted(session)) == (1, [], 4 * 2 * 20)


def test_spoiled_rounds_alone_are_flown_again_and_told_and_as_many_count_as_were_asked_for(session: Said):
    session.repeats = 3
    fly = Flying([{2, 3}])
    reasons = flown(session, fly, TWO_LOADS)
    assert fly.rounds() == [7, 2]
    assert [bool(reason) for reason in reasons[0]] == [False, True, True, False, False, False, False]
    assert reasons[1] == ["", ""]
    assert session.said == ["2 rounds of turns are measured again, because the generator was late: 20.1 ms at p99"]
    assert session.repeats == 2
    assert counted(session) == 2 * (4 * 20 + 3 * 50)


def test_who_is_flown_again_is_warm_gets_other_requests_and_the_load_of_the_round_that_was_spoiled(session: Said):
    session.repeats = 1
    fly = Flying([{6}])
    flown(session, fly, TWO_LOADS)
    first, second = fly.courses
    assert [step.reason for step in first.steps[:3]] == ["warm-up", "warm-up", ""]
    assert {(step.reason, step.rate_per_s) for step in second.steps} == {("", 50.0)}
    assert second.schedule.offset_ns[0] != first.schedule.offset_ns[0]


def test_rounds_that_are_spoiled_again_are_flown_until_the_bound_and_then_count_as_they_are(session: Said):
    session.repeats = 2
    fly = Flying([{5, 6}, {2}, {1}])
    assert [[bool(reason) for reason in trial] for trial in flown(session, fly, TWO_LOADS)] == [
        [False] * 4 + [True, True, False], [False, True], [False],
    ]  # fmt: skip
    assert fly.rounds() == [7, 2, 1]
    assert len(session.said) == 2


def test_without_repeats_spoiled_rounds_count_as_they_are_and_the_gates_judge_them(session: Said):
    fly = Flying([{2}])
    assert flown(session, fly)[0] == ["", ""]
    assert (fly.rounds(), session.said, counted(session)) == ([2], [], 2 * 2 * 20)


def test_a_trial_of_which_no_round_is_left_does_not_count_at_all(session: Said):
    """Else the gates of the machine would judge it."""
    session.repeats = 1
    reasons = flown(session, Flying([{1, 2}]))
    assert reasons == [["the generator was late: 20.1 ms at p99"], ["", ""]]
    assert len(session.folder.run.found["latency"].counted) == 1


# Who works while whose turn it is.


@dataclass
class Flight:
    log: list[str]

    def until(self, seconds: float) -> None:
        self.log.append(f"{seconds:.1f}")


@dataclass
class Stack:
    name: str
    log: list[str]

    def rest(self, _role: str) -> None:
        self.log.append(f"{self.name} rests")

    def wake(self, _role: str) -> None:
        self.log.append(f"{self.name} wakes")


@dataclass
class Bare:
    asked: list[tuple[float, float]] = field(default_factory=list)

    def turn(self, seconds: float, rate_per_s: float = 0.0) -> Limit:
        self.asked.append((seconds, rate_per_s))
        return Limit([5_000_000] * 2, [1_000_000] * 2, [4_000_000] * 2, "cpu")


def resting(steps: list[Step], bare: Bare | None = None) -> tuple[list[str], list[dict[str, object]]]:
    log: list[str] = []
    these = Up({name: Stack(name, log) for name in ("one", "two")})
    rows = let_rest(Course(None, ladder.placed(steps)), bare, 5.0, Flight(log), these)
    return log, list(rows)


def turn(variant: str) -> Step:
    return Step(0, 0.0, 0.4, 20.0, 0.2, 0.1, variant, 1)


def test_who_precomputes_works_in_its_own_turn_only_and_all_are_awake_at_the_end():
    log, rows = resting([turn("one"), turn("two")])
    assert log == [
        "one rests", "two rests",
        "one wakes", "0.0", "0.4", "one rests",
        "two wakes", "0.5", "0.9", "two rests",
        "one wakes", "two wakes",
    ]  # fmt: skip
    assert rows == []


def test_the_bare_model_has_its_turn_at_the_pace_of_all_requests_and_at_the_end_back_to_back_while_all_rest():
    bare = Bare()
    log, rows = resting([turn("one"), turn(RAW_LIMIT)], bare)
    assert bare.asked == [(0.4, 25.0), (conduct.BACK_TO_BACK_S, 0.0)]
    assert log[4:] == ["0.4", "one rests", "0.5", "0.9", "one wakes", "two wakes"]
    assert [(row["case"], row.get("offered_per_s"), row["step"]) for row in rows] == [
        ("prediction", 20.0, 1), ("prediction", 20.0, 1), ("back to back", None, 1), ("back to back", None, 1),
    ]  # fmt: skip
    assert [row["intended_ns"] for row in rows] == [500_000_000, 540_000_000, 900_000_000, 905_000_000]
    assert {row["variant"] for row in rows} == {RAW_LIMIT}
