"""The model with nothing around it, by way of `python -m vision`: the bare loop, the image path, the right labels."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.exits import StackFailed, UsageProblem
from bench.machine import limit
from bench.peers.running import MODELS, VERSION
from bench.peers.slices import Photo
from bench.processes.guarded import Guarded, ending, environment
from bench.processes.turns import Turns

START_ALLOWANCE_S = 60.0
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
NANOSECONDS = 1e6  # in a millisecond


@dataclass(frozen=True)
class ImagePath:
    """Milliseconds per photo from encoded bytes to pixels: Pillow + NumPy, ours; on how many labels they agree."""

    reference_ms: float
    ours_ms: float
    same: int
    photos: int

    @property
    def ratio(self) -> float:
        """Ours over Pillow + NumPy."""
        return self.ours_ms / self.reference_ms


class BareLoop(Turns):
    """The bare loop of one model as a process that stays, with its session open and warm."""

    def turn(self, seconds: float) -> float:
        """Return the mean milliseconds per photo of one turn. The mean: what counts is how many it does."""
        told = self.ask(f"{seconds:g}", seconds + START_ALLOWANCE_S)
        samples = limit.parse(told).samples_ms["response"]
        return sum(samples) / len(samples)


@dataclass(frozen=True)
class Vision:
    """Runs `python -m vision` on the cores of the system under test."""

    photos: Path
    folder: Path
    logs: Path
    cores: tuple[int, ...]
    models: Path = MODELS

    def bare_loop(self, model: str) -> BareLoop:
        """Return the bare loop of a model, to be started by `with`."""
        argv = self._argv("limit", str(self.photos), "--turns", "--model", model, *self._model())
        return BareLoop("vision limit", argv, log=self.logs / "vision-limit.log", cores=self.cores)

    def image_path(self, seconds: float) -> ImagePath:
        """Compare the image path with Pillow + NumPy, photo by photo."""
        return parse_image_path(self._run("image-path", str(self.photos), "--seconds", f"{seconds:g}"))

    def labelled(self, model: str) -> list[Photo]:
        """Return the photos in the order of the bare loop, with the label that the model gives each. Takes a second."""
        files = photo_files(self.photos)
        told = self._run("classify", *map(str, files), "--json", "--model", model, *self._model())
        try:
            labels = [str(json.loads(line)["labels"][0]["label"]) for line in told.splitlines()]
            pairs = list(zip(files, labels, strict=True))
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise StackFailed(f"vision classify printed something else than its JSON: {told[:200]!r}") from error
        return [Photo(file.name, file.read_bytes(), label) for file, label in pairs]

    def _model(self) -> Sequence[str]:
        return ("--version", VERSION, "--models", str(self.models))

    def _argv(self, command: str, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "vision", command, *arguments]

    def _run(self, command: str, *arguments: str) -> str:
        """Run one command and return what it printed. Raises StackFailed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        answer, log = self.folder / f"{command}.txt", self.logs / f"vision-{command}.log"
        answer.unlink(missing_ok=True)
        argv = self._argv(command, *arguments)
        with Guarded(f"vision {command}", argv, env=environment(), log=log, cores=self.cores, output=answer) as running:
            code = running.wait(START_ALLOWANCE_S)
        if code != 0:
            what = "did not finish" if code is None else f"failed ({ending(code)})"
            raise StackFailed(f"vision {command} {what}; its last log lines, from {log}:\n{running.tail()}")
        return answer.read_text(encoding="utf-8")


def parse_image_path(text: str) -> ImagePath:
    """Read what `vision image-path` prints. Raises StackFailed."""
    try:
        facts: Mapping[str, Any] = json.loads(text)
        reference, ours = (sum(facts[key]) / len(facts[key]) / NANOSECONDS for key in ("reference_ns", "ours_ns"))
        return ImagePath(reference, ours, int(facts["same"]), int(facts["photos"]))
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise StackFailed(f"vision image-path printed something else than its JSON: {text[:200]!r}") from error


def photo_files(folder: Path) -> list[Path]:
    """Return the photos that the bare loop takes, in its order. Raises UsageProblem where there are none."""
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise UsageProblem(f"no photos in {folder}: it takes {', '.join(sorted(SUFFIXES))}")
    return found
