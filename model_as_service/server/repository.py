"""The models and their versions: which lie on disk, which are loaded, which one answers when none is named.

A version is loaded beside those that serve and put in place at once. What runs keeps its version until it is answered,
so nothing is lost by a swap; an unloaded version is gone with its last answer. New versions are proved in a child
process first, because a bad file can do worse than fail: it can crash the process that loads it.
"""

import asyncio
import logging
import os
import re
import sys
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import numpy as np

from model_as_service.server.costs import Costs
from model_as_service.server.options import Options
from model_as_service.server.refused import Refused, short, shown
from model_as_service.server.statistics import Statistics
from vision.artifact import GOLDEN, MANIFEST
from vision.classifier import Classifier
from vision.errors import ModelError
from vision.live import read_live

log = logging.getLogger(__name__)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")  # and so never a path
PROOF_S = 120.0
ROUNDS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """One version, loaded, with what its batches cost and what was asked of it.

    The photos of batch jobs teach nothing about those of people: they are other ones, and decoded at another time.
    """

    classifier: Classifier
    costs: Costs
    load_s: float
    statistics: Statistics = field(default_factory=Statistics)
    bulk_costs: Costs = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bulk_costs", deepcopy(self.costs))

    @property
    def name(self) -> str:
        """The model's name."""
        return self.classifier.name

    @property
    def number(self) -> str:
        """The version, as in the URL."""
        return self.classifier.version


class Repository:
    """What is served. Only the event loop changes it, so every request sees one state or the next."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._served: dict[str, dict[str, Version]] = {}
        self._reasons: dict[tuple[str, str], str] = {}  # why a version is not there
        self._changing = asyncio.Lock()  # it lets waiters through in their order of arrival

    @property
    def served(self) -> Iterable[Version]:
        """All versions that are loaded, the one that answers by default last for each model."""
        return [version for versions in self._served.values() for version in versions.values()]

    @property
    def ready(self) -> bool:
        """Whether the model of the command line is there."""
        return self.options.model in self._served

    def find(self, name: str, number: str | None = None) -> Version:
        """Return the version that answers; raises Refused with 404."""
        versions = self._served.get(name, {})
        if number is None and versions:
            return next(reversed(versions.values()))
        if number in versions:
            return versions[number]
        named = short(name) if number is None else f"{short(name)} version {short(number)}"
        raise Refused(f"there is no model {named} here", 404, reason="unknown_model")

    def numbers(self, name: str) -> list[str]:
        """Return the loaded versions of a model, the default last."""
        return list(self._served.get(name, {}))

    def load_first(self) -> None:
        """Load what the command line names, before anything is served; raises ModelError."""
        version = self._load(self.options.model, self._live())
        self._served[version.name] = {version.number: version}

    async def load_after(self, before: str) -> None:
        """Load the live version, or else `before`, which a process before this one has served; raises ModelError.

        The live one may be the end of that process, so it is proved.
        """
        name = self.options.model
        try:
            if (number := self._live()) != before:
                async with asyncio.timeout(self.options.ready_within_s / 2):  # or the keeper would lose patience
                    await prove(self.options, name, number)
            version = self._load(name, number)
        except (ModelError, TimeoutError) as error:
            log.error("version %s is served as before: %s", before, error or "the live one does not load")  # noqa: TRY400
            version = self._load(name, before)
        self._served[name] = {version.number: version}

    async def load_live(self) -> None:
        """Serve the version that the live file names, and no other; raises ModelError, and then all stays."""
        await self.load(self.options.model, [self._live()])

    async def load(self, name: str, numbers: Iterable[str] = ()) -> None:
        """Serve these versions of a model, the last by default; none named means the newest on disk.

        Versions that are loaded stay as they are, others are proved and loaded. Raises ModelError, and then all stays.
        """
        async with self._changing:  # of two calls the later one has the last word
            wanted = list(dict.fromkeys(numbers)) or self._on_disk(name)[-1:]
            if not wanted:
                raise ModelError(f"there is no model {name} in the repository")
            old = self._served.get(name, {})
            versions = {number: old.get(number) or await self._prove_and_load(name, number) for number in wanted}
            self._served[name] = versions

    async def unload(self, name: str) -> None:
        """Stop serving a model; raises Refused with 404 where it is not served.

        A load that was asked for before ends first: otherwise it would bring the model back.
        """
        async with self._changing:
            if self._served.pop(name, None) is None:
                raise Refused(f"there is no model {short(name)} here", 404, reason="unknown_model")

    def index(self) -> list[dict[str, str]]:
        """Return every version on disk or loaded, with its state, as the repository extension asks."""
        names = sorted({*self._served, *_folders(self.options.models)})
        return [self._entry(name, number) for name in names for number in self._known(name)]

    def _entry(self, name: str, number: str) -> dict[str, str]:
        ready = number in self._served.get(name, {})
        reason = "" if ready else self._reasons.get((name, number), "")
        return {"name": name, "version": number, "state": "READY" if ready else "UNAVAILABLE", "reason": reason}

    def _known(self, name: str) -> list[str]:
        return sorted({*self._on_disk(name), *self._served.get(name, {})}, key=_age)

    def _on_disk(self, name: str) -> list[str]:
        """Return the versions that lie there, oldest first. The name is checked: it came over the network."""
        if not NAME.fullmatch(name):
            raise Refused(f"{shown(name)} is no name of a model", 400)
        folder = self.options.models / name
        return sorted(
            (number for number in _folders(folder) if os.access(folder / number / MANIFEST, os.F_OK)), key=_age
        )

    def _live(self) -> str:
        return read_live(self.options.live) if self.options.live else self.options.version

    async def _prove_and_load(self, name: str, number: str) -> Version:
        if number not in self._on_disk(name):
            raise ModelError(f"there is no version {number} of {name} in the repository")
        try:
            await prove(self.options, name, number)
            version = await asyncio.to_thread(self._load, name, number)
        except ModelError as error:
            self._reasons[name, number] = str(error)
            raise
        self._reasons.pop((name, number), None)
        return version

    def _load(self, name: str, number: str) -> Version:
        options, started = self.options, perf_counter()
        sizes = options.sizes
        classifier = Classifier.load(
            options.models, number, name=name, device=options.device, threads=options.threads, sizes=sizes
        )
        golden = (options.models / name / number / GOLDEN).read_bytes()
        costs = Costs({size: _seconds(classifier, golden, size) for size in sizes})
        return Version(classifier, costs, perf_counter() - started)


def _folders(parent: Path) -> list[str]:
    """Return which folders there have a name that we could use; none where the parent is gone or cannot be read."""
    try:
        return [path.name for path in parent.iterdir() if NAME.fullmatch(path.name) and path.is_dir()]
    except OSError:
        return []


async def prove(options: Options, name: str, number: str) -> None:
    """Load a version in a child process, which may crash as it likes; raises ModelError where it does not end well."""
    command = [
        "nice", "-n", "10",  # users who are being served come first
        sys.executable, "-m", "vision", "prove", "--models", str(options.models), "--model", name, "--version", number,
        "--device", options.device,
    ]  # fmt: skip
    quiet, heard = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    try:
        child = await asyncio.create_subprocess_exec(*command, stdin=quiet, stdout=quiet, stderr=heard)
    except OSError as error:  # too many processes, no memory
        raise ModelError(
            f"{name} {number} cannot be proved now: no process can be started ({error.strerror})"
        ) from error
    try:
        async with asyncio.timeout(PROOF_S):
            _, words = await child.communicate()
    except TimeoutError:
        raise ModelError(f"{name} {number} did not answer within {PROOF_S:.0f} s") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        last = words.decode(errors="replace").strip().rpartition("\n")[2]
        ending = f"it crashed with signal {-child.returncode}" if child.returncode < 0 else last
        raise ModelError(f"{name} {number} was refused: {ending}")


def _seconds(classifier: Classifier, photo: bytes, size: int) -> float:
    """Return what a batch of that size takes: the quickest of a few, since only pauses make one slower."""
    return min(_once(classifier, photo, size) for _ in range(ROUNDS))


def _once(classifier: Classifier, photo: bytes, size: int) -> float:
    started = perf_counter()
    classifier.infer(np.stack([classifier.preprocess(photo) for _ in range(size)]))
    return perf_counter() - started


def _age(number: str) -> tuple[int, str]:
    return (int(number), "") if number.isdecimal() else (-1, number)
