"""A peer that runs: started under guard on its cores, awaited, watched and stopped; nothing of it stays."""

import contextlib
import tempfile
import time
from pathlib import Path
from typing import Self

from bench.exits import StackFailed
from bench.peers.environment import python_of
from bench.peers.peer import Peer
from bench.processes import fields
from bench.processes.guarded import ROOT, Guarded, ending, environment
from bench.processes.ports import HOST, POLL_S, ask, free_port

READY_DEADLINE_S = 120.0  # Ray takes half a minute on one core
MODELS = ROOT / "models"
VERSION = "1"


class RunningPeer:
    """Context manager: inside it the peer answers, after it no process and no file of it is left but its log."""

    def __init__(
        self, peer: Peer, *, model: str, logs: Path, cores: tuple[int, ...] = (), models: Path = MODELS
    ) -> None:
        self.peer = peer
        self._log = logs / f"{peer.name}-{model}.log"
        self._cores = cores
        self._values: dict[str, object] = {
            "python": python_of(peer),
            "folder": peer.folder,
            "models": models.resolve(),
            "model": model,
            "version": VERSION,
        }
        self._process: Guarded | None = None
        self._port = 0
        self._cleanup = contextlib.ExitStack()

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self._port}"

    @property
    def pid(self) -> int:
        """The root of its process tree."""
        return self._running.pid

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as cleanup:
            self._start(cleanup)
            self._await()
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def check(self) -> None:
        """Raise StackFailed if it has ended by itself."""
        code = self._running.wait(0)
        if code is not None:
            raise StackFailed(
                f"{self.peer.title} ended by itself ({ending(code)}); its last log lines, from {self._log}:\n"
                f"{self._running.tail()}"
            )

    @property
    def _running(self) -> Guarded:
        if self._process is None:
            raise RuntimeError("a peer runs only inside its `with`")
        return self._process

    def _start(self, cleanup: contextlib.ExitStack) -> None:
        # Its own folder for sockets and temporary files: a short path, because a socket's may have 107 bytes.
        scratch = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="peer-", ignore_cleanup_errors=True))
        self._port = free_port()
        values = {**self._values, "port": self._port, "scratch": scratch}
        self._process = cleanup.enter_context(
            Guarded(
                self.peer.name,
                [fields.fill(part, values) for part in self.peer.run],
                env=environment(
                    {"TMPDIR": scratch},
                    {key: fields.fill(text, values) for key, text in self.peer.env.items()},
                    path=[self.peer.folder],
                ),
                log=self._log,
                cores=self._cores,
            )
        )

    def _await(self) -> None:
        """Poll the ready path until it answers 200; a peer that ends meanwhile is noticed at once."""
        path = fields.fill(self.peer.ready, self._values)
        deadline, answer = time.monotonic() + READY_DEADLINE_S, "nothing"
        while time.monotonic() < deadline:
            answer = ask(self._port, path)
            if answer == "200":
                return
            if self._running.wait(POLL_S) is not None:
                break
        self.check()
        raise StackFailed(
            f"{self.peer.title} was not ready after {READY_DEADLINE_S:.0f} s (GET {path}: {answer}); its last log "
            f"lines, from {self._log}:\n{self._running.tail()}"
        )
