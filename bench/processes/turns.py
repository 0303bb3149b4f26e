"""A process that stays and measures in turns: a line on its stdin says what to do, a line of JSON what it saw.

Between two turns it waits for the next line and takes no processor, so that whoever has the next turn has peace.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Self

from bench.exits import Failure, StackFailed
from bench.processes.guarded import Guarded, ending, environment


class Turns:
    """Context manager: inside it the process runs under guard on its cores, after it nothing of it is left."""

    def __init__(
        self, name: str, argv: Sequence[str], *, log: Path, cores: Iterable[int] = (),
        failure: type[Failure] = StackFailed,
    ) -> None:  # fmt: skip
        self._name = name
        self._failure = failure
        self._start = partial(Guarded, name, argv, env=environment(), log=log, cores=cores, talks=True)
        self._process: Guarded | None = None

    def __enter__(self) -> Self:
        self._process = self._start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.stop()

    def ask(self, line: str, timeout_s: float) -> str:
        """Let it have a turn and return what it says of it. Raises the given failure with its last log lines."""
        if self._process is None:
            raise RuntimeError(f"{self._name} runs only inside its `with`")
        answer = self._process.ask(line, timeout_s)
        if answer is None:
            code = self._process.wait(0)
            what = "did not answer in time" if code is None else f"failed ({ending(code)})"
            raise self._failure(self._process.words(what))
        return answer
