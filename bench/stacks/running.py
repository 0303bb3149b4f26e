"""A stack that runs: prepared, started in file order, awaited, watched and stopped. Every process is under guard."""

import contextlib
import http.client
import shutil
import socket
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.exits import StackFailed, UsageProblem
from bench.processes import fields
from bench.processes.guarded import ROOT, Guarded, environment
from bench.stacks.stack import Process, Stack

HOST = "127.0.0.1"
PREPARE_DEADLINE_S = 300.0
READY_DEADLINE_S = 60.0
DEPLOY_DEADLINE_S = 120.0
POLL_S = 0.05


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

    @property
    def base_url(self) -> str:
        """Where users reach the stack."""
        return f"http://{HOST}:{self.ports[self.stack.pages.name]}"

    @property
    def pids(self) -> dict[str, int]:
        """The pid of every process of the stack by name; each is the root of its own process tree."""
        return {name: process.pid for name, process in self.processes.items()}

    def __enter__(self) -> Self:
        self.ports = free_ports(self.stack, self.place.port)
        try:
            self._prepare()
            for process in self.stack.processes:
                self._start(process)
                self._await(process)
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
        for number, argv in enumerate(self.stack.prepare, start=1):
            self._finish(f"prepare-{number}", argv, self._values(), PREPARE_DEADLINE_S)
        if prepared is not None:
            shutil.copytree(data, prepared)

    def stop(self) -> None:
        """End all processes, last started first."""
        with contextlib.ExitStack() as all_of_them:  # a failing stop must not spare the others
            for process in self.processes.values():
                all_of_them.callback(process.stop)

    def check(self) -> None:
        """Raise StackFailed if a process has ended by itself."""
        for process in self.processes.values():
            code = process.wait(0)
            if code is not None:
                raise StackFailed(
                    f"{self.stack.name}: process {process.name} ended by itself ({ending(code)}); its last log lines, "
                    f"from {process.log}:\n{process.tail()}"
                )

    def deploy(self, version: str) -> None:
        """Make another model version live, by the commands of the stack file. Raises StackFailed."""
        pids = {f"{name}.pid": pid for name, pid in self.pids.items()}
        for number, argv in enumerate(self.stack.deploy, start=1):
            values = {**self._values(), **pids, "version": version}
            self._finish(f"deploy-{number}", argv, values, DEPLOY_DEADLINE_S)

    def _values(self) -> dict[str, object]:
        place = self.place
        ports = {f"{name}.port": port for name, port in self.ports.items()}
        return {
            "python": sys.executable,
            "data": place.data.resolve(),
            "models": place.models.resolve(),
            "photos": place.photos.resolve(),
            "live": place.data.resolve() / "live",
            "variant": self.stack.folder,
            **ports,
        }

    def _command(
        self, name: str, argv: Iterable[str], values: Mapping[str, object], own: Mapping[str, str] | None = None
    ) -> Guarded:
        filled = {key: fields.fill(text, values) for key, text in {**self.stack.env, **(own or {})}.items()}
        return Guarded(
            name,
            [fields.fill(part, values) for part in argv],
            env=environment(filled, path=[self.stack.folder.parent]),
            log=self.place.logs / f"{name}.log",
            cores=self.place.cores,
        )

    def _finish(self, name: str, argv: Iterable[str], values: Mapping[str, object], deadline_s: float) -> None:
        with self._command(name, argv, values) as command:
            code = command.wait(deadline_s)
        if code != 0:
            what = f"did not finish in {deadline_s:.0f} s" if code is None else f"failed ({ending(code)})"
            raise StackFailed(
                f"{self.stack.name}: {name} {what}: {' '.join(command.argv)}\n"
                f"  its last log lines, from {command.log}:\n{command.tail()}"
            )

    def _start(self, process: Process) -> None:
        values = {**self._values(), "port": self.ports[process.name]}
        self.processes[process.name] = self._command(process.name, process.run, values, process.env)

    def _await(self, process: Process) -> None:
        """Poll the ready path until it answers 200; a process that ends meanwhile is noticed at once."""
        running = self.processes[process.name]
        deadline, answer = time.monotonic() + READY_DEADLINE_S, "nothing"
        while process.ready is not None and time.monotonic() < deadline:
            answer = ask(self.ports[process.name], process.ready)
            if answer == "200":
                return
            if running.wait(POLL_S) is not None:
                break
        self.check()
        if process.ready is not None:
            raise StackFailed(
                f"{self.stack.name}: process {process.name} was not ready after {READY_DEADLINE_S:.0f} s "
                f"(GET {process.ready}: {answer}); its last log lines, from {running.log}:\n{running.tail()}"
            )


def ask(port: int, path: str) -> str:
    """GET a path once; return the status code as text, or what went wrong."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def ending(code: int) -> str:
    """Say in words how a process ended."""
    return f"exit code {code}" if code >= 0 else f"killed by signal {-code}"


def free_port() -> int:
    """Return a port that is free right now, chosen by the kernel."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


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
