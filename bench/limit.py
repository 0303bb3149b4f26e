"""The raw limit: what the bare model needs for the same photos on the same cores, measured in the same run.

It is the floor under every response time that runs the model: no web, no queue, no network. Measured once per block,
because a shared machine is not the same machine ten minutes later.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.exits import StackFailed
from bench.guarded import ROOT, Guarded, environment
from bench.running import ending

START_ALLOWANCE_S = 60.0
QUANTITIES = {"response": "samples_ns", "stage_decode": "decode_ns", "stage_infer": "infer_ns"}


@dataclass(frozen=True)
class Limit:
    """Milliseconds per photo by quantity: `response` is all of it, the stages are its parts."""

    samples_ms: dict[str, list[float]]
    provider: str


def measure(photos: Path, version: str, seconds: float, cores: Iterable[int], folder: Path) -> Limit:
    """Run the bare model over the photos for so many seconds. Raises StackFailed when it cannot be measured."""
    argv = [
        sys.executable, "-m", "vision", "limit", str(photos.resolve()),
        "--version", version, "--seconds", f"{seconds:g}", "--models", str(ROOT / "models"),
    ]  # fmt: skip
    answer, log = folder / "raw-limit.json", folder / "raw-limit.log"
    with Guarded("raw limit", argv, env=environment(), log=log, cores=cores, output=answer) as command:
        code = command.wait(seconds + START_ALLOWANCE_S)
    if code != 0:
        what = "did not finish" if code is None else f"failed ({ending(code)})"
        raise StackFailed(f"the raw limit {what}; its last log lines, from {log}:\n{command.tail()}")
    return parse(answer.read_text(encoding="utf-8"))


def parse(text: str) -> Limit:
    """Read what `vision limit` prints."""
    try:
        facts = json.loads(text)
        samples = {name: [float(ns) / 1e6 for ns in facts[key]] for name, key in QUANTITIES.items()}
        return Limit(samples, str(facts["provider"]))
    except (ValueError, KeyError, TypeError) as error:
        raise StackFailed(f"the raw limit printed something else than its JSON: {text[:200]!r}") from error
