"""How one inference server runs: what the command line says, for the keeper and the serving process alike."""

from dataclasses import dataclass
from pathlib import Path

SIZES = (1, 2, 4)  # on a CPU larger ones hardly save time, and all of them take memory


@dataclass(frozen=True)
class Options:
    """See `--help`. `live` is the file that names the version to serve; without one it is `version`."""

    models: Path
    model: str = "efficientnet-lite"
    live: Path | None = None
    version: str = "1"
    device: str = "auto"
    threads: int = 1
    sizes: tuple[int, ...] = SIZES
    deadline_s: float = 1.0
    queue: int = 256
    body_budget_mb: int = 128
    ready_within_s: float = 120.0
    repository: bool = False
    drain_grace_s: float = 0.0
    traces: str | None = None
