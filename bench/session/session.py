"""What the experiments of a run share while it goes on: folder, cores, thresholds, what was prepared, what is left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO
from urllib.parse import quote

from bench.exits import Failure
from bench.gates.thresholds import Thresholds
from bench.load.plan import Target
from bench.machine import canary
from bench.machine.cores import Split
from bench.stacks.running import Place
from bench.stacks.stack import Stack
from bench.stacks.verify import Verified
from runfile.folder import RunFolder


@dataclass(frozen=True)
class Settings:
    """What the user asked for, whatever the experiment."""

    profile: str
    photos: Path
    out: Path
    seed: int
    limits: Thresholds
    command: Sequence[str]
    stacks: Sequence[Stack] = ()
    dropped: Sequence[str] = ()  # variables of the shell that nothing we start gets


@dataclass
class Session:
    """The state of a run; whatever happens, it can be written up."""

    settings: Settings
    folder: RunFolder
    split: Split
    alive: IO[bytes] = field(default_factory=BytesIO)  # holds the folder of work for as long as this process lives
    say: Callable[[str], None] = print
    verified: list[Verified] = field(default_factory=list)
    capacity: dict[str, float] = field(default_factory=dict)
    assumed_per_s: float = 0.0  # above 0: taken for everybody's capacity instead of looking for it
    repeats: int = 0  # how many trials may still be measured again
    trials: int = 0
    failure: Failure | None = None
    _look_ms: float = 0.0  # at the canary

    @property
    def images(self) -> Path:
        """The photos as the first variant serves them."""
        return self.folder.work / "images"

    @property
    def targets(self) -> list[Target]:
        """What the load generator asks for, with the labels that are right by version of the model."""
        first, version = self.verified[0], self.verified[0].model["version"]
        return [
            {"id": photo, "path": quote(photo, safe=""), "labels": {version: answer.labels}}
            for photo, answer in first.answers.items()
        ]

    @property
    def sut(self) -> tuple[int, ...]:
        """The cores of the system under test; none where processes cannot be pinned."""
        return self.split.sut if self.split.pinned else ()

    @property
    def generators(self) -> tuple[int, ...]:
        """The cores of the generator; none where processes cannot be pinned."""
        return self.split.generator if self.split.pinned else ()

    def logs(self, name: str) -> Path:
        """Return a folder for log files."""
        return self.folder.path / "logs" / name

    def place(self, name: str, arm: str, stack: Stack) -> Place:
        """Return a fresh place for a stack: nothing of an earlier one is in it, but what was prepared."""
        data, prepared = self.folder.work / name / arm, self.folder.work / "prepared" / stack.name
        return Place(data, self.logs(name) / arm, self.settings.photos, self.sut, prepared=prepared)

    def number(self) -> int:
        """Return the number of the next trial; they count through all experiments."""
        self.trials += 1
        return self.trials

    def look(self) -> float:
        """Look at the speed of the machine while nobody works; return the mean of this look and the one before, in ms.

        Raises CanaryFailed.
        """
        before, self._look_ms = self._look_ms, canary.measure(self.sut).median
        return ((before or self._look_ms) + self._look_ms) / 2
