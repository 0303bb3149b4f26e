"""Who takes turns in a block: each variant, and the first one again where the profile asks for it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.latency.profile import Profile
from bench.stacks.stack import Stack

AGAIN, CONTROL = "A/A", "control"


@dataclass(frozen=True)
class Arm:
    """A variant, or a variant once more for comparison with itself.

    `kind` is "" for a variant; "A/A" for an equal copy; "control" for its very stack, asked `delay_ms` too late.
    """

    name: str
    stack: Stack
    of: str = ""
    kind: str = ""
    delay_ms: float = 0.0


def arms_of(stacks: Sequence[Stack], profile: Profile) -> list[Arm]:
    """Return the arms of a run: the variants, the A/A copy of the first, and the copy with a known delay."""
    arms, first = [Arm(stack.name, stack) for stack in stacks], stacks[0]
    if profile.again:
        arms.append(Arm(f"{first.name} again", first, first.name, AGAIN))
    if profile.control_ms:
        name = f"{first.name} + {profile.control_ms:g} ms"
        arms.append(Arm(name, first, first.name, CONTROL, profile.control_ms))
    return arms
