"""The raw limit: what the bare model needs for the same photos on the same cores, measured in the same run.

It is the floor under every response time that runs the model: no web, no queue, no network. Measured before every
trial, because a shared machine is not the same machine a minute later. And at two paces: at the rate of the load (of
all its requests, since each of them wakes the core), which is what a variant is held against, and back to back, where
the core never rests (docs/adr/0006).
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.exits import StackFailed
from bench.processes.guarded import ROOT, Guarded, environment
from bench.stacks.running import ending

START_ALLOWANCE_S = 60.0
QUANTITIES = {"response": "samples_ns", "stage_decode": "decode_ns", "stage_infer": "infer_ns"}


@dataclass(frozen=True)
class Pace:
    """How the bare loop is driven: photos per second (0: back to back), for how long, and the case it stands for."""

    case: str
    rate_per_s: float
    seconds: float


def paces(rate_per_s: float, seconds: float) -> tuple[Pace, Pace]:
    """Return both paces: like the load for so many seconds, and without a pause for a third of that."""
    return Pace("prediction", rate_per_s, seconds), Pace("back to back", 0.0, seconds / 3)


@dataclass(frozen=True)
class Limit:
    """Milliseconds per photo by quantity: `response` is all of it, the stages are its parts."""

    samples_ms: dict[str, list[float]]
    provider: str


def measure(photos: Path, version: str, pace: Pace, cores: Iterable[int], folder: Path) -> Limit:
    """Run the bare model over the photos at one pace. Raises StackFailed when it cannot be measured."""
    seconds = pace.seconds
    argv = [
        sys.executable, "-m", "vision", "limit", str(photos.resolve()), "--version", version,
        "--seconds", f"{seconds:g}", "--rate", f"{pace.rate_per_s:g}", "--models", str(ROOT / "models"),
    ]  # fmt: skip
    name = f"raw-limit-{pace.case.replace(' ', '-')}"
    answer, log = folder / f"{name}.json", folder / f"{name}.log"
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
