"""Who is measured in every block: each variant once, and the first one again where the profile asks for it. Pure."""

from collections.abc import Sequence

from bench.latency.ladder import Rung
from bench.latency.profile import Profile
from bench.latency.trial import Arm
from bench.stacks.stack import Stack


def arms_of(stacks: Sequence[Stack], profile: Profile) -> list[Arm]:
    """Return the arms of a run: the variants, the A/A copy of the first, and the copy with a known delay."""
    arms, first = [Arm(stack.name, stack) for stack in stacks], stacks[0]
    if profile.again:
        arms.append(Arm(f"{first.name} again", first, first.name, "A/A"))
    if profile.control_ms:
        name = f"{first.name} + {profile.control_ms:g} ms"
        arms.append(Arm(name, first, first.name, "control", profile.control_ms))
    return arms


def rungs_of(arm: Arm, rungs: Sequence[Rung]) -> list[Rung]:
    """Return the steps of an arm: a copy needs none beyond capacity, and the control only low load."""
    if arm.kind == "control":
        return [rungs[0]]
    return [rung for rung in rungs if not arm.kind or rung.of_capacity < 1]
