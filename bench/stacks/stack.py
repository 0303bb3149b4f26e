"""What a `stack.toml` says, read and checked. It describes how a variant runs and nothing about how it is measured."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bench import tomlfile
from bench.exits import UsageProblem
from bench.processes import fields
from bench.processes.guarded import ROOT
from bench.tomlfile import Argv, HttpPath, ProcessName, Variables, Words, Written

FILE = "stack.toml"
LONGEST_NAME = 100  # bytes: it becomes part of the names of files
THE_BARE_MODEL = "raw limit"  # among the variants in the files of a run
EVERYWHERE = frozenset({"python", "data", "models", "photos", "live", "variant"})

Role = Literal["pages", "model", "refresh"]
Texts = tuple[str, Iterable[str], frozenset[str]]  # where they stand, what they say, the fields that they may use


@dataclass(frozen=True, kw_only=True)
class Settings(Written):
    """The table of a process. `ready` is the path that answers 200 once it can work, if it serves HTTP."""

    run: Argv
    env: Variables = field(default_factory=dict)
    ready: HttpPath | None = None
    roles: frozenset[Role] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Process(Settings):
    """One long-lived process of a stack."""

    name: str


@dataclass(frozen=True)
class Commands(Written):
    """Commands that are run one after the other."""

    run: tuple[Argv, ...] = ()


@dataclass(frozen=True, kw_only=True)
class File(Written):
    """A `stack.toml` as it is written."""

    title: Words
    env: Variables = field(default_factory=dict)
    prepare: Commands = Commands()
    process: Mapping[ProcessName, Settings] = field(default_factory=dict)
    deploy: Commands = Commands()


@dataclass(frozen=True)
class Stack:
    """One variant: commands to prepare it, processes in start order, commands that make a model version live."""

    name: str
    title: str
    folder: Path
    env: Mapping[str, str]
    prepare: tuple[Argv, ...]
    processes: tuple[Process, ...]
    deploy: tuple[Argv, ...]

    @property
    def pages(self) -> Process:
        """The process that answers users; there is exactly one."""
        return next(process for process in self.processes if "pages" in process.roles)


def load(folder: Path) -> Stack:
    """Read `folder/stack.toml`. Raises UsageProblem, naming file and key, for whatever is wrong in it."""
    folder = folder.resolve()
    path = folder / FILE
    check_folder(folder)
    file = tomlfile.load(path, File, f"a variant is a folder with a {FILE}")
    wrong = [*_wrong_names(file), *_wrong_fields(file), *_wrong_pages(file)]
    if wrong:
        raise UsageProblem(f"{path}: {'; '.join(wrong)}")
    processes = tuple(Process(name=name, **vars(settings)) for name, settings in file.process.items())
    return Stack(folder.name, file.title, folder, file.env, file.prepare.run, processes, file.deploy.run)


def check_folder(folder: Path) -> None:
    """Raise UsageProblem where a folder cannot be a variant's: it gives its name, and is where Python imports from."""
    name = folder.name
    if not name or name == THE_BARE_MODEL or not name.isprintable() or len(name.encode()) > LONGEST_NAME:
        raise UsageProblem(
            f"{str(folder)!r}: a variant is called as its folder, whose name must be one that can be shown, of at "
            f"most {LONGEST_NAME} bytes, and not {THE_BARE_MODEL!r}; rename it"
        )
    if os.pathsep in str(folder):
        raise UsageProblem(f"{folder}: Python cannot import from a folder with {os.pathsep!r} in its path; move it")


def _wrong_names(file: File) -> Iterator[str]:
    """Two whose logs would be one file; there are file systems that do not tell capitals apart."""
    seen: dict[str, str] = {}
    for name in file.process:
        if re.fullmatch(r"(prepare|deploy)-\d+", name.casefold()):
            yield f"process.{name}: the log of a command is called so; choose another name"
        if (other := seen.setdefault(name.casefold(), name)) != name:
            yield f"process.{name}: there is a process {other}, and capitals make no other name; choose another one"


def _wrong_fields(file: File) -> Iterator[str]:
    for place, texts, known in _texts(file):
        for text in texts:
            try:
                fields.check(text, known)
            except fields.FieldError as error:
                yield f"{place}: {error}"


def _texts(file: File) -> Iterator[Texts]:
    ports, pids = (frozenset(f"{name}.{what}" for name in file.process) for what in ("port", "pid"))
    yield from ((f"env.{key}", [text], EVERYWHERE | ports) for key, text in file.env.items())
    yield from (("prepare.run", argv, EVERYWHERE) for argv in file.prepare.run)
    yield from (("deploy.run", argv, EVERYWHERE | ports | pids | {"version"}) for argv in file.deploy.run)
    for name, process in file.process.items():
        own = EVERYWHERE | ports | {"port"}
        yield f"process.{name}.run", process.run, own
        yield from ((f"process.{name}.env.{key}", [text], own) for key, text in process.env.items())


def _wrong_pages(file: File) -> Iterator[str]:
    pages = {name: process for name, process in file.process.items() if "pages" in process.roles}
    if len(pages) != 1:
        yield f'process: exactly one process needs roles = ["pages"], found {len(pages)}'
    for name, process in pages.items():
        if process.ready is None:
            yield f"process.{name}.ready: the process that answers users needs this path"


def find(wanted: Iterable[str] = (), root: Path = ROOT) -> list[Stack]:
    """Return the stacks of the given names or folders; without any, all that the root has, in the order of names."""
    folders = [_folder(name, root) for name in wanted] or sorted(path.parent for path in root.glob(f"*/{FILE}"))
    if not folders:
        raise UsageProblem(f"no variant found: no folder in {root} has a {FILE}")
    stacks = [load(folder) for folder in dict.fromkeys(folders)]
    names = [stack.name for stack in stacks]
    if len(set(names)) != len(names):
        raise UsageProblem(f"two variants have the same folder name: {', '.join(sorted(names))}; rename one")
    return stacks


def _folder(name: str, root: Path) -> Path:
    for folder in (root / name, Path(name)):
        if (folder / FILE).is_file():
            return folder.resolve()
    known = ", ".join(sorted(path.parent.name for path in root.glob(f"*/{FILE}"))) or "none"
    raise UsageProblem(f"unknown variant {name!r}: known are {known}; or give the path of a folder with a {FILE}")
