"""One run: what was asked for, and its state while it goes on. Whatever happens, it can be written up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.exits import Failure
from bench.gates.thresholds import Thresholds
from bench.latency import ladder
from bench.latency.arms import arms_of, rungs_of
from bench.latency.expectations import Check
from bench.latency.gates import Null
from bench.latency.ladder import Rung
from bench.latency.profile import Profile
from bench.latency.trial import Arm, Bench, Measured
from bench.load.generator import DEADLINE_S
from bench.machine import cores
from bench.machine.canary import Canary
from bench.machine.limit import Limit
from bench.session.runfolder import RunFolder, now
from bench.stacks.stack import Stack
from bench.stacks.verify import Verified


@dataclass(frozen=True)
class Settings:
    """What the user asked for."""

    experiments: Sequence[str]
    profile: Profile
    stacks: Sequence[Stack]
    photos: Path
    out: Path
    seed: int
    checks: Sequence[Check]
    limits: Thresholds
    command: Sequence[str]


@dataclass
class Run:
    """The state of a run while it goes on; whatever happens, it can be written up."""

    settings: Settings
    folder: RunFolder
    bench: Bench
    arms: Sequence[Arm]
    verified: list[Verified] = field(default_factory=list)
    capacity: dict[str, float] = field(default_factory=dict)
    measured: list[Measured] = field(default_factory=list)
    limits: dict[tuple[int, str], Limit] = field(default_factory=dict)
    null: Null | None = None
    last_canary: Canary | None = None
    failure: Failure | None = None
    results: list[dict[str, object]] = field(default_factory=list)

    @property
    def images(self) -> Path:
        """The photos as the first variant serves them."""
        return self.folder.work / "images"

    @property
    def counted(self) -> list[Measured]:
        """The trials that count: those that were repeated are kept in the tables, and in nothing else."""
        return [each for each in self.measured if not each.repeated]

    def rungs(self, arm: Arm) -> list[Rung]:
        """Return the steps of an arm."""
        own, smallest = self.capacity[arm.stack.name], min(self.capacity.values())
        return rungs_of(arm, ladder.ladder(self.settings.profile.steps, own, smallest))


def begin(settings: Settings) -> Run:
    """Make the run folder, write down what is known, and get off the cores of the system under test."""
    profile = settings.profile
    split = cores.split_cores()
    cores.stay_off(split)
    folder = RunFolder(settings.out, profile.name)
    arms = arms_of(settings.stacks, profile)
    folder.save(
        started_at=now(), finished_at=None, seed=settings.seed, command=list(settings.command),
        settings={
            "experiments": ", ".join(settings.experiments),
            **profile.settings(),
            "photos": str(settings.photos),
            "deadline_s": DEADLINE_S,
            "thresholds_version": settings.limits.version,
        },
        machine=cores.fingerprint(split), versions=cores.versions(),
        arms=[{"name": arm.name, "of": arm.of, "kind": arm.kind} for arm in arms if arm.kind],
        variants=[], trials=[], checks=[], gates=[], noise_floor=[], ratios=[], capacity=[], crossover=None,
        validity={"valid": False, "reasons": ["the run is not finished"]},
    )  # fmt: skip
    folder.event("run started", profile=profile.name, variants=[stack.name for stack in settings.stacks])
    return Run(settings, folder, Bench(folder, settings.photos, split, profile), arms)
