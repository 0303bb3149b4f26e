"""What a `stack.toml` says, read and checked. It describes how a variant runs and nothing about how it is measured."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.exits import UsageProblem
from bench.processes import fields
from bench.processes.guarded import ROOT
from bench.tomlfile import read_toml

FILE = "stack.toml"
ROLES = frozenset({"pages", "model", "refresh"})
EVERYWHERE = frozenset({"python", "data", "models", "photos", "live", "variant"})

Argv = tuple[str, ...]


@dataclass(frozen=True)
class Process:
    """One long-lived process of a stack. `ready` is the path that answers 200 once it can work, if it serves HTTP."""

    name: str
    run: Argv
    env: Mapping[str, str]
    ready: str | None
    roles: frozenset[str]


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


class _Table:
    """A TOML table that knows where it stands, so that an error can name file and key."""

    def __init__(self, path: Path, where: str, values: object, allowed: Iterable[str]) -> None:
        self.path, self.where = path, where
        if not isinstance(values, dict):
            raise self.problem("", "must be a table")
        self.values: dict[str, Any] = values
        for key in values:
            if key not in allowed:
                raise self.problem(key, f"unknown key; known here: {', '.join(sorted(allowed))}")

    def problem(self, key: str, text: str) -> UsageProblem:
        place = ".".join(part for part in (self.where, key) if part)
        return UsageProblem(f"{self.path}: {place}: {text}")

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if not isinstance(value, str) or not value:
            raise self.problem(key, "must be a text that is not empty")
        return value

    def argv(self, key: str, value: object, known: frozenset[str]) -> Argv:
        if not isinstance(value, list) or not value or not all(isinstance(part, str) for part in value):
            raise self.problem(key, 'must be a command: a list of texts such as ["{python}", "-m", "app"]')
        self.check(key, value, known)
        return tuple(value)

    def commands(self, known: frozenset[str]) -> tuple[Argv, ...]:
        value = self.values.get("run", [])
        if not isinstance(value, list):
            raise self.problem("run", "must be a list of commands")
        return tuple(self.argv("run", argv, known) for argv in value)

    def environment(self, known: frozenset[str]) -> dict[str, str]:
        for key, value in self.values.items():
            if not isinstance(value, str):
                raise self.problem(key, "must be a text")
        self.check("", list(self.values.values()), known)
        return dict(self.values)

    def check(self, key: str, texts: Iterable[str], known: frozenset[str]) -> None:
        for text in texts:
            try:
                fields.check(text, known)
            except fields.FieldError as error:
                raise self.problem(key, str(error)) from error


def load(folder: Path) -> Stack:
    """Read `folder/stack.toml`. Raises UsageProblem, naming file and key, for whatever is wrong in it."""
    folder = folder.resolve()
    path = folder / FILE
    values = read_toml(path, f"a variant is a folder with a {FILE}")
    top = _Table(path, "", values, {"title", "env", "prepare", "process", "deploy"})
    processes = _Table(path, "process", values.get("process", {}), values.get("process", {})).values
    ports = frozenset(f"{name}.port" for name in processes)
    pids = frozenset(f"{name}.pid" for name in processes)
    stack = Stack(
        name=folder.name,
        title=top.text("title"),
        folder=folder,
        env=_Table(path, "env", values.get("env", {}), values.get("env", {})).environment(EVERYWHERE | ports),
        prepare=_Table(path, "prepare", values.get("prepare", {}), {"run"}).commands(EVERYWHERE),
        processes=tuple(_process(path, name, table, ports) for name, table in processes.items()),
        deploy=_Table(path, "deploy", values.get("deploy", {}), {"run"}).commands(
            EVERYWHERE | ports | pids | {"version"}
        ),
    )
    _check_pages(path, stack)
    return stack


def _process(path: Path, name: str, values: object, ports: frozenset[str]) -> Process:
    where = f"process.{name}"
    table = _Table(path, where, values, {"run", "env", "ready", "roles"})
    known = EVERYWHERE | ports | {"port"}
    own = table.values.get("env", {})
    roles = table.values.get("roles", [])
    if not isinstance(roles, list) or not set(map(str, roles)) <= ROLES:
        raise table.problem("roles", f"must be a list of: {', '.join(sorted(ROLES))}")
    ready = table.values.get("ready")
    if ready is not None and not (isinstance(ready, str) and ready.startswith("/")):
        raise table.problem("ready", 'must be a path such as "/readyz"')
    return Process(
        name=name,
        run=table.argv("run", table.values.get("run"), known),
        env=_Table(path, f"{where}.env", own, own).environment(known),
        ready=ready,
        roles=frozenset(roles),
    )


def _check_pages(path: Path, stack: Stack) -> None:
    pages = [process for process in stack.processes if "pages" in process.roles]
    if len(pages) != 1:
        raise UsageProblem(f'{path}: process: exactly one process needs roles = ["pages"], found {len(pages)}')
    if pages[0].ready is None:
        raise UsageProblem(f"{path}: process.{pages[0].name}.ready: the process that answers users needs this path")


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
