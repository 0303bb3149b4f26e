"""One experiment of one of the two runs, what two of them do not have in common, and what forbids any claim. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats

from bench.comparing.row import nearly, widest
from bench.comparing.welch import Band
from bench.statistics.estimates import Estimate
from runfile import Recorded
from runfile.rows import ResultRow

OF_ONE = ("model of ", "peer ")  # facts about a variant: where only one run has it, that is said once, elsewhere
LOAD = ("setting: arrivals", "setting: rate_")


@dataclass(frozen=True, kw_only=True)
class Side:
    """What a run says of one experiment. The times tell of the machine, whatever is measured on it."""

    reasons: Sequence[str]  # why it is not valid
    verdicts: bool  # whether its profile is long enough for claims
    described: Mapping[str, object]  # settings, machine, versions and models, by name
    variants: Sequence[str]
    blocks: int
    canary_ms: Mapping[int, float]  # by block
    bare_ms: Mapping[str, Estimate]  # what the bare model takes for a photo, by how it was asked
    low: Mapping[str, float] = field(default_factory=dict)  # offered at low load, by variant
    floor: float = 0.0  # how far two equal systems differ; infinite where that should have been measured


def common(recorded: Recorded, experiment: str, **described: object) -> dict[str, Any]:
    """Return the fields of a side that mean the same for every experiment; `described` is what one has more."""
    run, found = recorded.run, recorded.run.found[experiment]
    known = {reason for each in run.found.values() for reason in each.validity.reasons}
    whole = [reason for reason in run.validity.reasons if reason not in known]  # of the session, so of all experiments
    valid = found.validity.valid and not whole
    settings = {f"setting: {name}": value for name, value in {**run.settings, **found.settings}.items()}
    models = {f"model of {each.name}: {name}": value for each in run.variants for name, value in each.model.items()}
    canaries: dict[int, list[float]] = {trial.block: [] for trial in found.counted}
    for trial in found.counted:
        canaries[trial.block] += [trial.canary_ms] if trial.canary_ms else []
    return {
        "reasons": [] if valid else [*whole, *found.validity.reasons] or ["it does not say why"],
        "verdicts": found.verdicts,
        "described": {"profile": run.profile, "seed": run.seed, **settings, **surroundings(recorded), **models,
                      **described},
        "blocks": len(canaries),
        "canary_ms": {block: float(stats.gmean(each)) for block, each in canaries.items() if each},
    }  # fmt: skip


def surroundings(recorded: Recorded) -> dict[str, object]:
    """Return machine and versions, by name."""
    parts = {"machine": vars(recorded.run.machine), "version": recorded.run.versions}
    return {f"{part}: {name}": value for part, values in parts.items() for name, value in values.items()}


def estimate(row: ResultRow) -> Estimate:
    """Return a row of results.csv as a number with its interval."""
    return Estimate(row.value, row.low, row.high, row.n or 0)


def different(base: Side, new: Side) -> list[str]:
    """Return the names of the facts that should be the same and are not."""
    was, now = base.described, new.described
    told = [name for name in {**was, **now} if (name in was and name in now) or not name.startswith(OF_ONE)]
    return [name for name in told if was.get(name) != now.get(name)]


def differences(base: Side, new: Side) -> list[str]:
    """Return a line for everything that should be the same and is not."""
    return [
        *(f"{name}: BASE {show(base, name)}, NEW {show(new, name)}" for name in different(base, new)),
        *only("variant ", base.variants, new.variants),
        *(
            f"low load of {name}: BASE {was:.3g}/s, NEW {new.low[name]:.3g}/s"
            for name, was in base.low.items()
            if was and new.low.get(name) and not nearly(was, new.low[name])
        ),
    ]


def show(side: Side, name: str) -> str:
    """Return a fact as text."""
    value = side.described.get(name)
    return "none" if value is None else str(list(value) if isinstance(value, tuple) else value)


def only(what: str, base: Iterable[str], new: Iterable[str]) -> list[str]:
    """Say of each name that only one of them has, which one."""
    pairs = (("BASE", base, new), ("NEW", new, base))
    return [f"{what}{name}: only in {label}" for label, own, other in pairs for name in own if name not in other]


def not_valid(base: Side, new: Side) -> list[str]:
    """Say which run is not valid, and why."""
    return [f"{label} is not valid: {why}" for label, side in (("BASE", base), ("NEW", new)) for why in side.reasons]


def obstacles(base: Side, new: Side, band: Band | None) -> list[str]:
    """Say why nothing at all is claimed, whatever the numbers; the validity apart."""
    lines = []
    for label, side in (("BASE", base), ("NEW", new)):
        if not side.verdicts:
            lines.append(f"the profile of {label} is too short for claims")
        if side.blocks < 2:  # noqa: PLR2004 - one block has no spread
            lines.append(f"{label} has fewer than two blocks, so there are no intervals")
    if any(name.startswith(LOAD) for name in different(base, new)):
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
