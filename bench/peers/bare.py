"""The model with nothing around it, by way of `python -m vision`: the bare loop, the image path, the right labels."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from bench.exits import StackFailed, UsageProblem
from bench.machine.limit import MODELS, START_ALLOWANCE_S, VERSION, BareLoop
from bench.peers.asking import Photo
from bench.processes.guarded import Guarded, environment
from bench.session.session import Session
from bench.stacks.photos import files_in, no_files
from bench.terminal import plain
from runfile.facts import ImagePath

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
NANOSECONDS = 1e6  # in a millisecond


@dataclass(frozen=True)
class Vision:
    """Runs `python -m vision` on the cores of the system under test."""

    photos: Path
    folder: Path
    logs: Path
    cores: tuple[int, ...]
    models: Path = MODELS

    @classmethod
    def of(cls, session: Session) -> Self:
        """Return it with the photos and cores of a session."""
        return cls(session.settings.photos, session.folder.work / "vision", session.folder.path / "logs", session.sut)

    def bare_loop(self, model: str) -> BareLoop:
        """Return the bare loop of a model, to be started by `with`."""
        log = self.logs / "vision-limit.log"
        return BareLoop(self.photos, log=log, cores=self.cores, model=model, models=self.models)

    def image_path(self, block: int, seconds: float) -> ImagePath:
        """Compare the image path with Pillow + NumPy, photo by photo. Raises StackFailed."""
        return parse_image_path(self._run("image-path", str(self.photos), "--seconds", f"{seconds:g}"), block)

    def labelled(self, model: str) -> list[Photo]:
        """Return the photos in the order of the bare loop, with the label that the model gives each. Takes a second."""
        files = photo_files(self.photos)
        which = ("--model", model, "--version", VERSION, "--models", str(self.models))
        told = self._run("classify", *map(str, files), "--json", *which)
        try:
            labels = [str(json.loads(line)["labels"][0]["label"]) for line in told.splitlines()]
            pairs = list(zip(files, labels, strict=True))
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise StackFailed(f"vision classify printed something else than its JSON: {told[:200]!r}") from error
        return [Photo(plain(file.name), file.read_bytes(), label) for file, label in pairs]

    def _run(self, command: str, *arguments: str) -> str:
        """Run one command and return what it printed. Raises StackFailed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        answer, log = self.folder / f"{command}.txt", self.logs / f"vision-{command}.log"
        answer.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "vision", command, *arguments]
        with Guarded(f"vision {command}", argv, env=environment(), log=log, cores=self.cores, output=answer) as running:
            running.end_well(START_ALLOWANCE_S)
        return answer.read_text(encoding="utf-8")


def parse_image_path(text: str, block: int) -> ImagePath:
    """Read what `vision image-path` prints. The mean: what counts is how many photos it does. Raises StackFailed."""
    try:
        facts: dict[str, Any] = json.loads(text)
        reference, ours = (sum(facts[key]) / len(facts[key]) / NANOSECONDS for key in ("reference_ns", "ours_ns"))
        return ImagePath(block, reference, ours, int(facts["same"]), int(facts["photos"]))
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise StackFailed(f"vision image-path printed something else than its JSON: {text[:200]!r}") from error


def not_taken(folder: Path) -> list[str]:
    """Return the files of a folder that are not among the photos, with the reason."""
    odd = [path.name for path in files_in(folder) if path.suffix.lower() not in SUFFIXES]
    wrong = [f"{name!r}: its name ends with none of {', '.join(sorted(SUFFIXES))}" for name in odd]
    return [*wrong, *no_files(folder)]


def photo_files(folder: Path) -> list[Path]:
    """Return the photos that the bare loop takes, in its order. Raises UsageProblem where there are none."""
    found = [path for path in files_in(folder) if path.suffix.lower() in SUFFIXES]
    if not found:
        raise UsageProblem(f"no photos in {folder}: it takes {', '.join(sorted(SUFFIXES))}")
    return found
