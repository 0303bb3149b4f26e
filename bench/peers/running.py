"""A peer that runs: started under guard on its cores, awaited, watched and stopped; nothing of it stays."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.machine.limit import MODELS, VERSION
from bench.peers.environment import python_of
from bench.peers.peer import Peer
from bench.processes import fields, scratch
from bench.processes.guarded import Guarded, environment
from bench.processes.ports import HOST, free_port, wait_until_ready

READY_DEADLINE_S = 120.0  # Ray takes half a minute on one core


@dataclass(frozen=True)
class RunningPeer:
    """A peer that answers, and the root of its process tree."""

    peer: Peer
    base_url: str
    process: Guarded


@contextmanager
def up(
    peer: Peer, *, model: str, logs: Path, cores: tuple[int, ...] = (), models: Path = MODELS,
    ready_s: float = READY_DEADLINE_S,
) -> Iterator[RunningPeer]:  # fmt: skip
    """Start a peer and wait until it answers. Afterwards nothing of it is left but its log. Raises StackFailed."""
    # Its own folder for sockets and temporary files: a short path, because a socket's may have 107 bytes.
    with scratch.folder("peer") as folder:
        port = free_port()
        values: dict[str, object] = {
            "python": python_of(peer), "folder": peer.folder, "models": models.resolve(), "model": model,
            "version": VERSION, "port": port, "scratch": folder,
        }  # fmt: skip
        own = {key: fields.fill(text, values) for key, text in peer.env.items()}
        argv = [fields.fill(part, values) for part in peer.run]
        env = environment({"TMPDIR": str(folder)}, own, path=[peer.folder])
        with Guarded(peer.title, argv, env=env, log=logs / f"{peer.name}-{model}.log", cores=cores) as process:
            wait_until_ready(process, port, fields.fill(peer.ready, values), ready_s)
            yield RunningPeer(peer, f"http://{HOST}:{port}", process)
