"""A peer that runs: started under guard on its cores, awaited, watched and stopped; nothing of it stays."""

import contextlib
import tempfile
from pathlib import Path
from typing import Self

from bench.machine.limit import MODELS, VERSION
from bench.peers.environment import python_of
from bench.peers.peer import Peer
from bench.processes import fields
from bench.processes.guarded import Guarded, environment
from bench.processes.ports import HOST, free_port, wait_until_ready

READY_DEADLINE_S = 120.0  # Ray takes half a minute on one core


class RunningPeer:
    """Context manager: inside it the peer answers, after it no process and no file of it is left but its log."""

    def __init__(
        self, peer: Peer, *, model: str, logs: Path, cores: tuple[int, ...] = (), models: Path = MODELS,
        ready_s: float = READY_DEADLINE_S,
    ) -> None:  # fmt: skip
        self.peer = peer
        self.base_url = ""
        self._log = logs / f"{peer.name}-{model}.log"
        self._cores = cores
        self._ready_s = ready_s
        self._values: dict[str, object] = {
            "python": python_of(peer),
            "folder": peer.folder,
            "models": models.resolve(),
            "model": model,
            "version": VERSION,
        }
        self._process: Guarded | None = None
        self._cleanup = contextlib.ExitStack()

    @property
    def pid(self) -> int:
        """The root of its process tree."""
        return self._running.pid

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as cleanup:
            # Its own folder for sockets and temporary files: a short path, because a socket's may have 107 bytes.
            scratch = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="peer-", ignore_cleanup_errors=True))
            port = free_port()
            self.base_url = f"http://{HOST}:{port}"
            values = {**self._values, "port": port, "scratch": scratch}
            self._process = cleanup.enter_context(self._start(values))
            wait_until_ready(self._process, port, fields.fill(self.peer.ready, values), self._ready_s)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def check(self) -> None:
        """Raise StackFailed if it has ended by itself."""
        self._running.must_run()

    @property
    def _running(self) -> Guarded:
        if self._process is None:
            raise RuntimeError("a peer runs only inside its `with`")
        return self._process

    def _start(self, values: dict[str, object]) -> Guarded:
        own = {key: fields.fill(text, values) for key, text in self.peer.env.items()}
        return Guarded(
            self.peer.title,
            [fields.fill(part, values) for part in self.peer.run],
            env=environment({"TMPDIR": str(values["scratch"])}, own, path=[self.peer.folder]),
            log=self._log,
            cores=self._cores,
        )
