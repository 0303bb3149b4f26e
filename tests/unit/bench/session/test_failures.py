"""What becomes of a trial that failed or was spoiled: kept, told, tried again within the bound, else left out."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import pytest

from bench.exits import CanaryFailed, GeneratorFailed, StackFailed, TrialFailed, UsageProblem
from bench.session import failures
from bench.session.session import Session
from bench.session.trial import Where
from runfile import read
from tests.unit.bench.session.fakes import session

WHERE = Where("latency", 2, "one")


@dataclass(frozen=True)
class Shown:
    number: int
    reason: str = ""

    def spoiled(self, reason: str) -> Self:
        return replace(self, reason=reason)


@dataclass
class Measuring:
    """Measures again and again; what it is to raise comes first."""

    raises: list[Exception] = field(default_factory=list)
    count: int = 0

    def __call__(self) -> Shown:
        if self.raises:
            raise self.raises.pop(0)
        self.count += 1
        return Shown(self.count)


@pytest.fixture
def this(tmp_path: Path) -> Session:
    made = session(tmp_path)
    made.said = []  # type: ignore[attr-defined]
    made.say = made.said.append  # type: ignore[attr-defined]
    return made


def attempt(this: Session, measure: Measuring, spoiled: Callable[[Shown], str]) -> tuple[Shown | None, list[Shown]]:
    kept: list[Shown] = []
    return failures.attempt(this, WHERE, measure, spoiled, lambda _, each: kept.append(each)), kept


def never(_: Shown) -> str:
    return ""


def first_two(shown: Shown) -> str:
    return "the generator was late" if shown.number <= 2 else ""


def test_a_good_trial_is_kept_and_costs_no_repeat(this: Session):
    this.repeats = 1
    assert attempt(this, Measuring(), never) == (Shown(1), [Shown(1)])
    assert this.repeats == 1


def test_a_spoiled_trial_is_kept_told_and_measured_again(this: Session):
    this.repeats = 5
    found, kept = attempt(this, Measuring(), first_two)
    assert found == Shown(3)
    assert kept == [Shown(1, "the generator was late"), Shown(2, "the generator was late"), Shown(3)]
    assert this.said == ["one: measured again, because the generator was late"] * 2  # type: ignore[attr-defined]
    assert this.repeats == 3


def test_once_the_bound_is_reached_a_spoiled_trial_counts_as_it_is(this: Session):
    this.repeats = 1
    found, kept = attempt(this, Measuring(), first_two)
    assert (found, kept) == (Shown(2), [Shown(1, "the generator was late"), Shown(2)])


@pytest.mark.parametrize("failure", [StackFailed("gone"), GeneratorFailed("late"), CanaryFailed("no core")])
def test_a_failed_trial_is_told_and_tried_again(this: Session, failure: TrialFailed):
    this.repeats = 1
    found, kept = attempt(this, Measuring([failure]), never)
    assert (found, kept) == (Shown(1), [Shown(1)])
    (told,) = this.folder.run.found["latency"].failed
    assert (told.block, told.variant, told.reason, told.again) == (2, "one", str(failure), True)
    assert read(this.folder.path).run.found["latency"].failed == (told,)


def test_one_that_fails_again_and_again_is_left_out_and_the_run_goes_on(this: Session):
    this.repeats = 1
    found, kept = attempt(this, Measuring([StackFailed("gone"), StackFailed("gone")]), never)
    assert (found, kept) == (None, [])
    first, last = this.folder.run.found["latency"].failed
    assert (first.again, last.again, last.code) == (True, False, 3)
    assert this.said[-1] == "one: left out of this block: gone"  # type: ignore[attr-defined]


def test_one_trial_does_not_use_up_the_repeats_of_all(this: Session):
    this.repeats = 9
    found, kept = attempt(this, Measuring(), lambda _: "late")
    assert (found, len(kept), this.repeats) == (Shown(3), 3, 7)
    assert attempt(this, Measuring([StackFailed("gone")] * 5), never) == (None, [])
    assert this.repeats == 6


def test_what_is_no_failure_of_a_trial_ends_the_run(this: Session):
    this.repeats = 3
    with pytest.raises(UsageProblem):
        attempt(this, Measuring([UsageProblem("no such file")]), never)
