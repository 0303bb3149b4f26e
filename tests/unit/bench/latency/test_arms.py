from dataclasses import replace

import pytest

from bench.latency import profile as profiles
from bench.latency.arms import Arm, arms_of
from bench.stacks import stack
from tests.unit.bench.toys import TINY, TOY

PROFILE = profiles.load(str(TINY))
STACKS = [replace(stack.load(TOY), name=name) for name in ("one", "two")]


def test_without_copies_every_variant_is_an_arm_of_its_own():
    assert arms_of(STACKS, PROFILE) == [Arm("one", STACKS[0]), Arm("two", STACKS[1])]


def test_the_copies_are_of_the_first_variant_and_run_its_very_stack():
    again, control = arms_of(STACKS, replace(PROFILE, again=True, control_ms=2.5))[2:]
    assert again == Arm("one again", STACKS[0], "one", "A/A", 0.0)
    assert control == Arm("one + 2.5 ms", STACKS[0], "one", "control", 2.5)


@pytest.mark.parametrize(
    ("again", "control_ms", "kinds"),
    [(True, 0, ["", "", "A/A"]), (False, 10, ["", "", "control"]), (True, 10, ["", "", "A/A", "control"])],
)
def test_each_copy_is_there_where_the_profile_asks_for_it(again: bool, control_ms: float, kinds: list[str]):  # noqa: FBT001
    assert [arm.kind for arm in arms_of(STACKS, replace(PROFILE, again=again, control_ms=control_ms))] == kinds
