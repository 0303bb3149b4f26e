"""The harness's side of the guard: start a command so that it cannot outlive us, wait for it, stop it, read its log."""

import contextlib
import os
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Literal, Self

from bench.exits import Failure, StackFailed
from bench.processes.patience import undisturbed
from bench.processes.surroundings import without_foreign
from bench.terminal import plain

ROOT = Path(__file__).resolve().parents[2]
GUARD = Path(__file__).with_name("guard.py")
START_DEADLINE_S = 10.0
ORDER_DEADLINE_S = 5.0
STOP_DEADLINE_S = 5.0  # the guard itself needs at most its two seconds of grace
TAIL_LINES, TAIL_WIDTH = 15, 1000
PIECE = 65536
LONGEST_LINE = 64 * 1024 * 1024  # far more than a turn of a closed loop has to tell


class Lines:
    """Reads a pipe or a socket line by line, without waiting longer than it is told."""

    def __init__(self, source: IO[bytes] | socket.socket) -> None:
        self._source = source
        self._read = b""

    def next(self, timeout_s: float | None) -> str | None:
        """Return the next line, "" at end of file or where a line has no end, None when there was none in time."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while b"\n" not in self._read:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([self._source], [], [], left)[0]:
                return None
            received = os.read(self._source.fileno(), PIECE)
            self._read += received
            if not received or len(self._read) > LONGEST_LINE:
                return ""
        line, _, self._read = self._read.partition(b"\n")
        return line.decode(errors="replace")


def end_of(file: Path) -> str:
    """Return the end of a file that may be of any size and hold anything; "" where there is none."""
    try:
        with file.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - PIECE))
            return log.read(PIECE).decode(errors="replace")
    except OSError:
        return ""


def silence(log: Path) -> str:
    """Say why a log holds nothing: most often nothing was said."""
    with contextlib.suppress(OSError):
        if not shutil.disk_usage(log.parent).free:
            return "its log is empty: no room is left on its disk"
    return "its log is empty"


def ending(code: int) -> str:
    """Say in words how a process ended."""
    return f"exit code {code}" if code >= 0 else f"killed by signal {-code}"


class Guarded:
    """One running command with its guard. Stopping ends its whole family; so does the end of the harness.

    Its stdout goes to `output`, else into its log like its stderr. One that `talks` is asked on stdin and answers on
    stdout, a line each: the guard leaves both to it.
    """

    def __init__(
        self, name: str, argv: Sequence[str], *, env: Mapping[str, str], log: Path, cores: Iterable[int] = (),
        output: Path | None = None, talks: bool = False,
    ) -> None:  # fmt: skip
        self.name = name
        self.argv = tuple(argv)
        self.log = log
        self._code: int | None = None
        log.parent.mkdir(parents=True, exist_ok=True)
        self._lifeline, theirs = socket.socketpair()
        self._told = Lines(self._lifeline)
        with (
            contextlib.ExitStack() as undone,  # if it does not start, or Ctrl-C is pressed meanwhile
            theirs,
            log.open("ab") as errors,
            (output or log).open("ab") as answers,
        ):
            undone.callback(self._lifeline.close)
            pinned = ",".join(str(core) for core in cores)
            try:
                with undisturbed():
                    self._guard = subprocess.Popen(
                        [sys.executable, "-I", "-S", GUARD, str(theirs.fileno()), pinned, *argv],
                        pass_fds=[theirs.fileno()],
                        start_new_session=True,  # Ctrl-C in the terminal is for the harness, which stops in order
                        bufsize=0,
                        stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                        stdout=subprocess.PIPE if talks else answers,
                        stderr=errors,
                        cwd=ROOT,
                        env=dict(env),
                    )
                    undone.callback(self.stop)
            except (OSError, ValueError) as error:  # more, or longer, arguments than the system takes; a NUL in one
                raise StackFailed(f"{name} cannot be started: {error}") from error
            theirs.close()  # or its end would never be seen
            self._answers = Lines(self._guard.stdout) if self._guard.stdout else None
            started = self._told.next(START_DEADLINE_S)
            if not started:
                raise StackFailed(f"the guard of {name} did not start; see {log}\n{self.tail()}")
            self.pid = int(started.split()[1])
            undone.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Return the exit code (negative: the signal), or None if it still runs after so many seconds."""
        if self._code is None:
            self._hear(timeout_s)
        return self._code

    def must_run(self) -> None:
        """Raise StackFailed if the command has ended by itself."""
        code = self.wait(0)
        if code is not None:
            raise StackFailed(self.words(f"ended by itself ({ending(code)})"))

    def end_well(self, timeout_s: float, failure: type[Failure] = StackFailed) -> None:
        """Wait until the command has ended well. Raises the given failure where it does not."""
        code = self.wait(timeout_s)
        if code is None:
            raise failure(self.words(f"did not finish in {timeout_s:.0f} s"))
        if code != 0:
            raise failure(self.words(f"failed ({ending(code)})"))

    def order(self, order: Literal["rest", "wake"]) -> None:
        """Let its whole family rest where it stands (SIGSTOP), so that it takes no processor, or go on (SIGCONT).

        Returns when that is done, or there is nobody left.
        """
        if self.wait(0) is not None:
            return
        with contextlib.suppress(BrokenPipeError):
            self._lifeline.sendall(f"{order}\n".encode())
        if self._hear(ORDER_DEADLINE_S) is None:
            raise StackFailed(self.words(f"did not {order}: its guard does not answer"))

    def ask(self, line: str, timeout_s: float) -> str | None:
        """Write a line and return the next one of its stdout; None when there was none in time, or it has ended.

        After None nobody knows which question the next line would answer: the conversation is over.
        """
        if self._guard.stdin is None or self._answers is None:
            raise RuntimeError(f"{self.name} was not started to talk")
        try:
            self._guard.stdin.write(f"{line}\n".encode())
        except BrokenPipeError:
            return None
        return self._answers.next(timeout_s) or None

    def stop(self) -> None:
        """End the command and everything it started; return when they are gone. Harmless when called twice."""
        with undisturbed():
            if self._lifeline.fileno() >= 0:
                self._close()
            try:
                self._guard.wait(STOP_DEADLINE_S)
            except subprocess.TimeoutExpired:
                self._guard.kill()  # never seen; the kernel then kills the child with it
                self._guard.wait()
            for pipe in (self._guard.stdin, self._guard.stdout):
                if pipe is not None:
                    pipe.close()

    def tail(self) -> str:
        """Return the last lines of the log: what a reader needs when the command failed."""
        lines = end_of(self.log).splitlines()[-TAIL_LINES:]
        return "\n".join(f"    {plain(line[:TAIL_WIDTH])}" for line in lines) or f"    ({silence(self.log)})"

    def words(self, what: str) -> str:
        """Return what became of it, with the last lines of its log."""
        return f"{self.name} {what}; its last log lines, from {self.log}:\n{self.tail()}"

    def _hear(self, timeout_s: float | None) -> str | None:
        """Return the guard's next line, and note if it says that the command has ended."""
        line = self._told.next(timeout_s)
        if line == "":  # the guard itself was killed; it took the child along
            self._code = -9
        elif line is not None and line.startswith("exit"):
            self._code = int(line.split()[1])
        return line

    def _close(self) -> None:
        try:
            self._lifeline.shutdown(socket.SHUT_WR)
            deadline = time.monotonic() + STOP_DEADLINE_S
            while self._code is None and (left := deadline - time.monotonic()) > 0:
                self.wait(left)
        except OSError:
            self._code = -9
        finally:
            self._lifeline.close()


def environment(*more: Mapping[str, str], path: Iterable[Path] = ()) -> dict[str, str]:
    """Return the environment of a child: ours without other people's settings, then what is given.

    The repository and these folders are importable, and nothing else that is not installed.
    """
    child = {name: value for part in (without_foreign(os.environ), *more) for name, value in part.items()}
    places = [str(ROOT), *(str(folder) for folder in path), child.get("PYTHONPATH", "")]
    child["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(place for place in places if place))
    return child
