"""Each peer's own environment: a venv under `.venv-peers/`, with exactly what its `requirements.txt` locks.

Peers without such a file run in the environment that runs us.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.exits import StackFailed
from bench.peers.peer import Peer
from bench.processes.guarded import ROOT

HOME = ROOT / ".venv-peers"
STAMP = ".installed"  # written last: it holds the hash of the lock that was installed
DEADLINE_S = 900.0
TAIL_LINES = 15


def python_of(peer: Peer, home: Path = HOME) -> Path:
    """Return the interpreter that runs this peer; it exists once `ready` says so."""
    return home / peer.name / "bin" / "python" if _lock(peer).exists() else Path(sys.executable)


def ready(peer: Peer, home: Path = HOME) -> bool:
    """Say whether the environment is there and is the one that the lock describes today."""
    stamp = home / peer.name / STAMP
    if not _lock(peer).exists():
        return True
    return stamp.exists() and stamp.read_text(encoding="utf-8") == _fingerprint(peer)


def install(peer: Peer, home: Path = HOME) -> None:
    """Make the environment anew, with uv where it can be found, else with pip. Raises StackFailed."""
    if not _lock(peer).exists():
        return
    folder, python = home / peer.name, str(python_of(peer, home))
    shutil.rmtree(folder, ignore_errors=True)
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is not None:
        make, fill = [uv, "venv", "-q", "--python", sys.executable], [uv, "pip", "install", "-q", "--python", python]
    else:
        make = [sys.executable, "-m", "venv"]
        fill = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    _run(peer, [*make, str(folder)], folder)
    _run(peer, [*fill, "--require-hashes", "-r", str(_lock(peer))], folder)
    (folder / STAMP).write_text(_fingerprint(peer), encoding="utf-8")


def _run(peer: Peer, command: list[str], folder: Path) -> None:
    # Its registry and proxies are the user's; what Python imports, and how, is not.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    what = f"the environment of {peer.title} in {folder} could not be made"
    try:
        done = subprocess.run(
            command,
            env=env,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=DEADLINE_S,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StackFailed(f"{what}: {error}") from error
    if done.returncode:
        tail = "\n".join(f"    {line}" for line in (done.stderr or done.stdout).splitlines()[-TAIL_LINES:])
        raise StackFailed(
            f"{what}; it needs a package registry that can be reached and a Python that {peer.title} {peer.release} "
            f"supports (this is {sys.version.split()[0]}). Leave it out by naming the others with --peers. "
            f"The end of {' '.join(command[:3])}:\n{tail}"
        )


def _lock(peer: Peer) -> Path:
    return peer.folder / "requirements.txt"


def _fingerprint(peer: Peer) -> str:
    return hashlib.sha256(_lock(peer).read_bytes()).hexdigest()
