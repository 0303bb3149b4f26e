"""What a `stack.toml` says, read and checked. It describes how a variant runs and nothing about how it is measured."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator

from bench import tomlfile
from bench.exits import UsageProblem
from bench.processes import fields
from bench.processes.guarded import ROOT
from bench.tomlfile import Filled, Words, Written

FILE = "stack.toml"
EVERYWHERE = frozenset({"python", "data", "models", "photos", "live", "variant"})

Argv = Annotated[tuple[str, ...], Filled]
Role = Literal["pages", "model", "refresh"]
Texts = tuple[str, Iterable[str], frozenset[str]]  # where they stand, what they say, the fields that they may use


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError('must be a path such as "/readyz"')
    return text


@dataclass(frozen=True, kw_only=True)
class Settings(Written):
    """The table of a process. `ready` is the path that answers 200 once it can work, if it serves HTTP."""

    run: Argv
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Annotated[str, AfterValidator(_path)] | None = None
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
    env: Mapping[str, str] = field(default_factory=dict)
    prepare: Commands = Commands()
    process: Mapping[str, Settings] = field(default_factory=dict)
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
    file = tomlfile.load(path, File, f"a variant is a folder with a {FILE}")
    wrong = [*_wrong_fields(file), *_wrong_pages(file)]
    if wrong:
        raise UsageProblem(f"{path}: {'; '.join(wrong)}")
    processes = tuple(Process(name=name, **vars(settings)) for name, settings in file.process.items())
    return Stack(folder.name, file.title, folder, file.env, file.prepare.run, processes, file.deploy.run)


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
