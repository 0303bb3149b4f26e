"""A stack that runs: prepared, started in file order, awaited, watched and stopped. Every process is under guard."""

import contextlib
import shutil
import socket
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Self

from bench.exits import StackFailed, UsageProblem
from bench.processes import fields
from bench.processes.guarded import ROOT, Guarded, environment
from bench.processes.patience import undisturbed
from bench.processes.ports import HOST, wait_until_ready
from bench.stacks import photos
from bench.stacks.stack import Process, Role, Stack
from bench.terminal import plain
from bench.tomlfile import Argv

PREPARE_DEADLINE_S = 300.0
READY_DEADLINE_S = 60.0
DEPLOY_DEADLINE_S = 120.0
LEFT_OUT = "left out: "
MOST_LINES, LONGEST_LINE = 100_000, 1000  # that are kept of a log


@dataclass(frozen=True)
class Place:
    """Where a stack runs: its fresh data folder, its logs, its photos, its cores, and a wish for the pages' port.

    `prepared` keeps the data as the prepare commands left it: whoever runs there first fills it, the others start from
    a copy of it, so that every trial begins with the same fresh data and not with the same wait.
    """

    data: Path
    logs: Path
    photos: Path
    cores: tuple[int, ...] = ()
    port: int | None = None
    models: Path = ROOT / "models"
    prepared: Path | None = None


class RunningStack:
    """Context manager: inside it every process of the stack is ready, after it none is left."""

    def __init__(self, stack: Stack, place: Place) -> None:
        self.stack = stack
        self.place = place
        self.processes: dict[str, Guarded] = {}
        self.ports: dict[str, int] = {}
        self.left_out: list[str] = []  # what the prepare commands said of photos that are not in the catalogue
        self._may_end: set[str] = set()

    @property
    def base_url(self) -> str:
        """Where users reach the stack."""
        return f"http://{HOST}:{self.ports[self.stack.pages.name]}"

    @property
    def pids(self) -> dict[str, int]:
        """The pid of every process of the stack by name, as of now; each is the root of its own process tree."""
        return {name: process.pid for name, process in self.processes.items()}

    def __enter__(self) -> Self:
        self.ports = free_ports(self.stack, self.place.port)
        try:
            self._prepare()
            for process in self.stack.processes:
                self._start(process)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _prepare(self) -> None:
        data, prepared = self.place.data, self.place.prepared
        if prepared is not None and prepared.exists():
            shutil.copytree(prepared, data)
            return
        data.mkdir(parents=True, exist_ok=True)
        try:
            self._run("prepare", self.stack.prepare, self._values(), PREPARE_DEADLINE_S)
        except StackFailed as failure:
            if len(self.left_out) >= len(photos.files_in(self.place.photos)) > 0:
                told = "\n".join(photos.photos_left_out(self.left_out))
                words = f"no photo in {self.place.photos} can be used; give others with --photos\n{told}"
                raise UsageProblem(words) from failure
            raise
        self.left_out += photos.no_files(self.place.photos)
        if prepared is not None:
            shutil.copytree(data, prepared)

    def stop(self) -> None:
        """End all processes, last started first."""
        with undisturbed(), contextlib.ExitStack() as all_of_them:  # a failing stop must not spare the others
            for process in self.processes.values():
                all_of_them.callback(process.stop)

    def check(self) -> None:
        """Raise StackFailed if a process has ended by itself that was not expected to."""
        for name, process in self.processes.items():
            if name not in self._may_end:
                process.must_run()

    def expect_end(self, name: str) -> None:
        """Let a process end, by a fault that is about to be injected, until it is started again."""
        self._may_end.add(name)

    def restart(self, name: str) -> None:
        """Start a process again, on the same port and by the same command; return when it is ready.

        Whatever is left of the one before ends first. Raises StackFailed.
        """
        self.processes[name].stop()
        self._start(next(process for process in self.stack.processes if process.name == name))
        self._may_end.discard(name)

    def rest(self, role: Role | None = None) -> None:
        """Stop all where they stand while others are measured, or only who has a role and does not answer users."""
        for process in self._backstage(role):
            process.order("rest")

    def wake(self, role: Role | None = None) -> None:
        """Let them go on."""
        for process in self._backstage(role):
            process.order("wake")

    def _backstage(self, role: Role | None) -> list[Guarded]:
        members = [
            each for each in self.stack.processes if not role or (role in each.roles and "pages" not in each.roles)
        ]
        return [self.processes[each.name] for each in members]

    def deploy(self, version: str) -> None:
        """Make another model version live, by the commands of the stack file. Raises StackFailed."""
        pids = {f"{name}.pid": pid for name, pid in self.pids.items()}
        self._run("deploy", self.stack.deploy, {**self._values(), **pids, "version": version}, DEPLOY_DEADLINE_S)

    def _values(self) -> dict[str, object]:
        data, models, photos = (each.resolve() for each in (self.place.data, self.place.models, self.place.photos))
        ours = {"data": data, "models": models, "photos": photos, "live": data / "live", "variant": self.stack.folder}
        return {"python": sys.executable, **ours, **{f"{name}.port": port for name, port in self.ports.items()}}

    def _command(self, name: str, argv: Argv, values: Mapping[str, object], own: Mapping[str, str]) -> Guarded:
        what = f"process {name}" if name in self.ports else name
        filled = {key: fields.fill(text, values) for key, text in {**self.stack.env, **own}.items()}
        return Guarded(
            f"{self.stack.name}: {what}",
            [fields.fill(part, values) for part in argv],
            env=environment(filled, path=[self.stack.folder.parent]),
            log=self.place.logs / f"{name}.log",
            cores=self.place.cores,
        )

    def _run(self, what: str, commands: Iterable[Argv], values: Mapping[str, object], deadline_s: float) -> None:
        for number, argv in enumerate(commands, start=1):
            with self._command(f"{what}-{number}", argv, values, {}) as command:
                try:
                    command.end_well(deadline_s)
                finally:
                    self.left_out += left_out(command.log)

    def _start(self, process: Process) -> None:
        port = self.ports[process.name]
        running = self._command(process.name, process.run, {**self._values(), "port": port}, process.env)
        self.processes[process.name] = running
        if process.ready is None:
            running.must_run()
        else:
            wait_until_ready(running, port, process.ready, READY_DEADLINE_S)


def left_out(log: Path) -> list[str]:
    """Return what a log says of photos that were left out: lines that begin so."""
    with log.open("rb") as file:  # line by line: it may have a gigabyte, and a line no end
        lines = (line.decode(errors="replace") for line in iter(partial(file.readline, LONGEST_LINE), b""))
        told = (plain(line.removeprefix(LEFT_OUT).rstrip()) for line in lines if line.startswith(LEFT_OUT))
        return list(islice(told, MOST_LINES))


def free_ports(stack: Stack, wish: int | None = None) -> dict[str, int]:
    """Return a free port for every process, chosen by the kernel, but the wish for the one that answers users."""
    with contextlib.ExitStack() as held:  # all are held until the last is chosen, so that no two are the same
        ports = {}
        for process in stack.processes:
            listener = held.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            wanted = wish or 0 if process is stack.pages else 0
            try:
                listener.bind((HOST, wanted))
            except OSError as error:
                raise UsageProblem(f"port {wanted} cannot be used ({error.strerror}); choose another --port") from error
            ports[process.name] = int(listener.getsockname()[1])
    return ports
