"""One experiment of one of the two runs, as far as every comparison needs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.statistics.estimates import Estimate
from runfile import Recorded
from runfile.facts import PeerTrial, Trial
from runfile.rows import ResultRow

NOTHING = Estimate(None, None, None, 0)
OF_ONE = ("model of ", "peer ")  # facts about a variant: where only one run has it, that is said once, elsewhere


@dataclass(frozen=True, kw_only=True)
class Side:
    """What a run says of one experiment. The times tell of the machine, whatever is measured on it."""

    id: str
    folder: Path
    reasons: Sequence[str]  # why it is not valid
    verdicts: bool  # whether its profile is long enough for claims
    described: Mapping[str, object]  # settings, machine, versions and models, by name
    variants: Sequence[str]
    blocks: int
    canary_ms: Mapping[int, float]  # by block
    bare_ms: Mapping[str, Estimate]  # what the bare model takes for a photo, by how it was asked
    low: Mapping[str, float] = field(default_factory=dict)  # offered at low load, by variant
    floor: float = 0.0  # how far two equal systems differ; infinite where that should have been measured


def common(recorded: Recorded, experiment: str) -> dict[str, Any]:
    """Return the fields of a side that mean the same for every experiment."""
    run, found = recorded.run, recorded.run.found[experiment]
    known = {reason for each in run.found.values() for reason in each.validity.reasons}
    whole = [reason for reason in run.validity.reasons if reason not in known]  # of the session, so of all experiments
    valid = found.validity.valid and not whole
    own = {"profile": run.profile, "seed": run.seed}
    settings = {f"setting: {name}": value for name, value in {**run.settings, **found.settings}.items()}
    models = {f"model of {each.name}: {name}": value for each in run.variants for name, value in each.model.items()}
    trials = found.counted
    return {
        "id": run.id,
        "folder": recorded.path.resolve(),
        "reasons": [] if valid else [*whole, *found.validity.reasons] or ["it does not say why"],
        "verdicts": found.verdicts,
        "described": {**own, **settings, **surroundings(recorded), **models},
        "blocks": len({trial.block for trial in trials}),
        "canary_ms": canaries(trials),
    }


def surroundings(recorded: Recorded) -> dict[str, object]:
    """Return machine and versions, by name."""
    parts = {"machine": vars(recorded.run.machine), "version": recorded.run.versions}
    return {f"{part}: {name}": value for part, values in parts.items() for name, value in values.items()}


def canaries(trials: Sequence[Trial | PeerTrial]) -> dict[int, float]:
    """Return the geometric mean of the canaries of each block, in ms."""
    logs: dict[int, list[float]] = {}
    for trial in trials:
        if trial.canary_ms:
            logs.setdefault(trial.block, []).append(float(np.log(trial.canary_ms)))
    return {block: float(np.exp(np.mean(values))) for block, values in logs.items()}


def estimate(row: ResultRow) -> Estimate:
    """Return a row of results.csv as a number with its interval."""
    return Estimate(row.value, row.low, row.high, row.n or 0)


def differ(base: Side, new: Side, name: str) -> bool:
    """Whether a fact differs; the facts of a variant that only one run has are no differences of their own."""
    if name.startswith(OF_ONE) and not (name in base.described and name in new.described):
        return False
    return base.described.get(name) != new.described.get(name)
