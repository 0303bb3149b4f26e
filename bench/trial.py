"""One trial, the unit of the measurement: fresh stack, warm-up, window, drain, stop. Nothing survives into the next."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.load import generator
from bench.load.answers import STAGES
from bench.load.generator import Load
from bench.load.schedule import Schedule
from bench.machine.cores import Split
from bench.machine.sampler import Sampler
from bench.runfolder import RunFolder, now
from bench.stacks.running import Place, RunningStack
from bench.stacks.stack import Stack
from bench.stacks.verify import Verified

FACTS = ("sent_ns", "done_ns", "status", "outcome", "model_version", "source")

Rows = list[dict[str, object]]


@dataclass(frozen=True)
class Trial:
    """Which variant is measured when: numbers count from 1, the position is the place within the block."""

    number: int
    block: int
    position: int
    stack: Stack


@dataclass(frozen=True)
class Measured:
    """What a trial gave: its record for run.json, its rows of both tables, and what the generator counted."""

    record: dict[str, object]
    requests: Rows
    processes: Rows
    load: Load


@dataclass(frozen=True)
class Bench:
    """What all trials of a run share."""

    folder: RunFolder
    photos: Path
    cores: Split
    warmup_s: float
    window_s: float
    rate_per_s: float

    def place(self, name: str) -> Place:
        """Return a fresh place for a stack: nothing of an earlier one is in it."""
        shutil.rmtree(self.folder.work / "stack", ignore_errors=True)
        cores = self.cores.sut if self.cores.pinned else ()
        return Place(self.folder.work / "stack", self.folder.path / "logs" / name, self.photos, cores)


def measure(bench: Bench, trial: Trial, schedule: Schedule, verified: Verified) -> Measured:
    """Run one trial. Raises StackFailed or GeneratorFailed."""
    started_at = now()
    place = bench.place(f"trial-{trial.number:02d}-{trial.stack.name}")
    out = bench.folder.work / "load" / "answers.json"
    shutil.rmtree(out.parent, ignore_errors=True)
    out.parent.mkdir(parents=True)
    cores = bench.cores.generator if bench.cores.pinned else ()
    with RunningStack(trial.stack, place) as stack:
        spec = generator.specification(schedule, verified, bench.window_s, out)
        with (
            generator.start(stack.base_url, spec, out.parent, place.logs, cores) as locust,
            Sampler({**stack.pids, "generator": locust.pid}) as sampler,
        ):
            load = generator.finish(locust, schedule, out)
        stack.check()
    requests = request_rows(trial, schedule, verified, load)
    record = {**record_of(bench, trial, requests), "started_at": started_at}
    return Measured(record, requests, process_rows(trial, sampler.rows, load), load)


def request_rows(trial: Trial, schedule: Schedule, verified: Verified, load: Load) -> Rows:
    """Return the rows of requests.parquet: every scheduled request, whatever became of it.

    Those of the warm-up are there, too, before the window and so with negative times; nothing is computed from them.
    """
    photos = list(verified.answers)
    common = {"trial": trial.number, "block": trial.block, "variant": trial.stack.name}
    plan = zip(schedule.offset_ns.tolist(), schedule.case.tolist(), schedule.photo.tolist(), load.rows, strict=True)
    rows: Rows = []
    for offset, case, photo, recorded in plan:
        where = {"case": schedule.cases[case], "intended_ns": offset, "photo_id": photos[photo]}
        facts = {fact: recorded.get(fact) for fact in FACTS}
        stages = {f"stage_{name}_ms": recorded.get(name) for name in STAGES}
        rows.append({**common, **where, **facts, **stages})
    return rows


def process_rows(trial: Trial, samples: Rows, load: Load) -> Rows:
    """Return the rows of processes.parquet, on the same clock as the requests: zero is the window's start."""
    return [
        {**row, "t_ns": int(str(row["t_ns"])) - load.zero_ns, "trial": trial.number, "variant": trial.stack.name}
        for row in samples
    ]


def record_of(bench: Bench, trial: Trial, requests: Rows) -> dict[str, object]:
    """Return the trial's entry in run.json; scheduled = completed + dropped, and failed are those completed in vain."""
    outcomes = [row["outcome"] for row in requests if int(str(row["intended_ns"])) >= 0]
    dropped = outcomes.count("dropped")
    return {
        "trial": trial.number,
        "block": trial.block,
        "position": trial.position,
        "variant": trial.stack.name,
        "rate_per_s": bench.rate_per_s,
        "warmup_s": bench.warmup_s,
        "window_s": bench.window_s,
        "scheduled": len(outcomes),
        "completed": len(outcomes) - dropped,
        "failed": len(outcomes) - dropped - outcomes.count("ok"),
        "dropped": dropped,
    }
