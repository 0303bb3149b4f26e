"""The load generator seen from the harness: writes a specification, runs Locust under guard, reads what it recorded."""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench.exits import GeneratorFailed
from bench.load.schedule import SECOND_NS, Schedule
from bench.stacks.guarded import ROOT, Guarded, environment
from bench.stacks.running import ending
from bench.stacks.verify import Verified

DEADLINE_S = 10.0  # per request, from its intended time
START_ALLOWANCE_S = 60.0
LOCUSTFILE = ROOT / "bench" / "locustfile.py"


@dataclass(frozen=True)
class Load:
    """What was sent. Times in rows are ns from the window's start, which is `zero_ns` on the monotonic clock."""

    zero_ns: int
    connections: int
    requests_sent: int
    rows: list[dict[str, Any]]


def specification(schedule: Schedule, verified: Verified, window_s: float, out: Path) -> dict[str, object]:
    """Return what the locust process needs to know: the schedule, and the answers that count as right."""
    photos = [
        {"id": photo_id, "path": quote(photo_id, safe=""), "labels": list(answer.labels)}
        for photo_id, answer in verified.answers.items()
    ]
    return {
        "cases": list(schedule.cases),
        "offset_ns": schedule.offset_ns.tolist(),
        "case": schedule.case.tolist(),
        "photo": schedule.photo.tolist(),
        "photos": photos,
        "deadline_s": DEADLINE_S,
        "rate_per_s": int(schedule.measured.sum()) / window_s,
        "out": str(out),
    }


def start(url: str, spec: dict[str, object], folder: Path, logs: Path, cores: Iterable[int]) -> Guarded:
    """Start Locust on its cores; it begins to send at once."""
    path = folder / "load.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    argv = [
        sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), "--headless", "--host", url,
        "--users", "1", "--spawn-rate", "1", "--only-summary", "--exit-code-on-error", "0", "--spec", str(path),
    ]  # fmt: skip
    return Guarded("generator", argv, env=environment(), log=logs / "generator.log", cores=cores)


def finish(locust: Guarded, schedule: Schedule, out: Path) -> Load:
    """Wait until everything is sent and answered, and read it. Raises GeneratorFailed."""
    span_s = float(schedule.offset_ns[-1] - min(0, schedule.offset_ns[0])) / SECOND_NS
    code = locust.wait(span_s + DEADLINE_S + START_ALLOWANCE_S)
    if code != 0 or not out.exists():
        what = "did not finish in time" if code is None else f"ended without a result ({ending(code)})"
        raise GeneratorFailed(f"the load generator {what}; its last log lines, from {locust.log}:\n{locust.tail()}")
    return Load(**json.loads(out.read_text(encoding="utf-8")))
