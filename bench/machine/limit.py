"""The raw limit: what the bare model needs for the same photos on the same cores, measured in the same run.

It is the floor under every response time that runs the model: no web, no queue, no network. It takes turns with the
variants, because a shared machine is not the same machine a second later. And it is measured at two paces: at the rate
of the load (of all its requests, since each of them wakes the core), which is what a variant is held against, and back
to back, where the core never rests (docs/adr/0006).
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.exits import StackFailed
from bench.processes.guarded import ROOT
from bench.processes.turns import Turns

START_ALLOWANCE_S = 60.0
PACED, BACK_TO_BACK = "prediction", "back to back"  # the cases that the two paces stand for
MODELS = ROOT / "models"
VERSION = "1"  # of the model that stacks and peers start with


@dataclass(frozen=True)
class Limit:
    """Nanoseconds per photo, in order: all of it, and its parts."""

    samples_ns: Sequence[int]
    decode_ns: Sequence[int]
    infer_ns: Sequence[int]
    provider: str

    @property
    def mean_ms(self) -> float:
        """Milliseconds per photo. The mean: what counts is how many it does."""
        return sum(self.samples_ns) / len(self.samples_ns) / 1e6

    def rows(self, start_ns: int, rate_per_s: float) -> list[dict[str, object]]:
        """Return what they are in requests.parquet: one after the other from `start_ns` on, evenly spaced if paced."""
        rows, at = [], start_ns
        parts = zip(self.samples_ns, self.decode_ns, self.infer_ns, strict=True)
        for number, (took, decode, infer) in enumerate(parts):
            at = start_ns + round(number * 1e9 / rate_per_s) if rate_per_s else at
            times = {"intended_ns": at, "sent_ns": at, "done_ns": at + took}
            rows.append({**times, "stage_decode_ms": decode / 1e6, "stage_infer_ms": infer / 1e6, "outcome": "ok"})
            at += took
        return rows


class BareLoop(Turns):
    """The bare loop of one model as a process that stays, with its session open and warm."""

    def __init__(
        self, photos: Path, *, log: Path, cores: tuple[int, ...], model: str | None = None, version: str = VERSION,
        models: Path = MODELS,
    ) -> None:  # fmt: skip
        named = ("--model", model) if model else ()
        argv = [sys.executable, "-m", "vision", "limit", str(photos.resolve()), "--turns", *named]
        argv += ["--version", version, "--models", str(models)]
        super().__init__("the bare model", argv, log=log, cores=cores)

    def turn(self, seconds: float, rate_per_s: float = 0.0) -> Limit:
        """Score photos for so long, evenly spaced at a rate or, at 0, without a pause. Raises StackFailed."""
        return parse(self.ask(f"{seconds:g} {rate_per_s:g}", seconds + START_ALLOWANCE_S))


def parse(text: str) -> Limit:
    """Read what `vision limit` prints. Raises StackFailed."""
    try:
        facts: Mapping[str, Any] = json.loads(text)
        samples, decode, infer = ([int(ns) for ns in facts[key]] for key in ("samples_ns", "decode_ns", "infer_ns"))
        return Limit(samples, decode, infer, str(facts["provider"]))
    except (ValueError, KeyError, TypeError) as error:
        raise StackFailed(f"the bare model printed something else than its JSON: {text[:200]!r}") from error
