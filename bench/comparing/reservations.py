"""What the two runs do not have in common, and what forbids any claim. Pure; lines of text."""

import numpy as np

from bench.comparing.blocks import PERCENTILES, PREDICTION, nearly
from bench.comparing.machine import Band
from bench.comparing.row import widest
from bench.comparing.side import Side, differ

LOAD = ("setting: arrivals", "setting: rate_")


def differences(base: Side, new: Side) -> list[str]:
    """Return a line for everything that should be the same and is not."""
    names = list(dict.fromkeys([*base.described, *new.described]))
    lines = [f"{name}: BASE {show(base, name)}, NEW {show(new, name)}" for name in names if differ(base, new, name)]
    for label, one, other in (("BASE", base, new), ("NEW", new, base)):
        lines += [f"variant {name}: only in {label}" for name in one.variants if name not in other.variants]
    for name in base.variants:
        rates = [side.blocks.found.low(name) for side in (base, new)]
        if all(rates) and not nearly(*rates):
            lines.append(f"low load of {name}: BASE {rates[0]:.3g}/s, NEW {rates[1]:.3g}/s")
    return lines


def show(side: Side, name: str) -> str:
    """Return a fact as text."""
    value = side.described.get(name)
    return "none" if value is None else str(value)


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
        if side.blocks.count < 2:  # noqa: PLR2004 - one block has no spread
            lines.append(f"{label} has fewer than two blocks, so there are no intervals")
    if any(name.startswith(LOAD) and differ(base, new, name) for name in base.described.keys() | new.described.keys()):
        lines.append("the load is not the same, see the differences")
    if band is None:
        lines.append("nobody knows how much the machine moved")
    if not np.isfinite(widest(side.blocks.floor(side.again, PREDICTION, PERCENTILES[0], 0.0) for side in (base, new))):
        lines.append("the noise floor was not measured (a profile with `again = true` does, such as full)")
    return lines
