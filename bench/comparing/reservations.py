"""What the two runs do not have in common, and what forbids any claim. Pure; lines of text."""

import numpy as np

from bench.comparing.machine import Band
from bench.comparing.row import nearly, widest
from bench.comparing.side import Side, differ, surroundings
from runfile import Recorded

LOAD = ("setting: arrivals", "setting: rate_")


def differences(base: Side, new: Side) -> list[str]:
    """Return a line for everything that should be the same and is not."""
    names = list(dict.fromkeys([*base.described, *new.described]))
    lines = [f"{name}: BASE {show(base, name)}, NEW {show(new, name)}" for name in names if differ(base, new, name)]
    for label, one, other in (("BASE", base, new), ("NEW", new, base)):
        lines += [f"variant {name}: only in {label}" for name in one.variants if name not in other.variants]
    return lines + [
        f"low load of {name}: BASE {was:.3g}/s, NEW {new.low[name]:.3g}/s"
        for name, was in base.low.items()
        if was and new.low.get(name) and not nearly(was, new.low[name])
    ]


def show(side: Side, name: str) -> str:
    """Return a fact as text."""
    value = side.described.get(name)
    return "none" if value is None else str(list(value) if isinstance(value, tuple) else value)


def not_valid(base: Side, new: Side) -> list[str]:
    """Say which run is not valid, and why."""
    return [
        f"{label} is not valid: {reason}"
        for label, side in (("BASE", base), ("NEW", new))
        for reason in side.reasons
    ]  # fmt: skip


def obstacles(base: Side, new: Side, band: Band | None) -> list[str]:
    """Say why nothing at all is claimed, whatever the numbers; the validity apart."""
    lines = []
    for label, side in (("BASE", base), ("NEW", new)):
        if not side.verdicts:
            lines.append(f"the profile of {label} is too short for claims")
        if side.blocks < 2:  # noqa: PLR2004 - one block has no spread
            lines.append(f"{label} has fewer than two blocks, so there are no intervals")
    if any(name.startswith(LOAD) and differ(base, new, name) for name in base.described.keys() | new.described.keys()):
        lines.append("the load is not the same, see the differences")
    if band is None:
        lines.append("nobody knows how much the machine moved")
    if not np.isfinite(widest((base.floor, new.floor))):
        lines.append("the noise floor was not measured (a profile with `again = true` does, such as full)")
    return lines


def nothing_in_common(base: Recorded, new: Recorded) -> str:
    """Say of runs of different experiments what they have in common all the same."""
    was, now = surroundings(base), surroundings(new)
    have = [", ".join(each.run.found) or "no experiment" for each in (base, new)]
    same = [f"{name} {value}" for name, value in was.items() if now.get(name) == value]
    other = [f"{name} {was.get(name)} and {now.get(name)}" for name in {**was, **now} if was.get(name) != now.get(name)]
    return (
        f"BASE has {have[0]}, NEW has {have[1]}: there is nothing to compare. In common they have "
        f"{', '.join(same) or 'nothing'}; they differ in {', '.join(other) or 'nothing else'}."
    )
