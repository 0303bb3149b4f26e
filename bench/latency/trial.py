"""One trial, the unit of the measurement: fresh stack, warm-up, window, drain, stop. Nothing survives into the next."""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyarrow as pa

from bench.latency import ladder
from bench.latency.ladder import Rung
from bench.latency.profile import Profile
from bench.load.generator import DEADLINE_S, Generator, Load
from bench.load.plan import Plan, Target
from bench.load.schedule import WARM_UP, Schedule
from bench.machine import counters
from bench.machine.canary import Canary
from bench.machine.cores import Split
from bench.machine.counters import Machine
from bench.machine.sampler import Sampler, memory_of
from bench.session.runfolder import REQUESTS, RunFolder, now
from bench.stacks.running import Place, RunningStack
from bench.stacks.stack import Stack

Rows = list[dict[str, object]]
AROUND_S = 5.0  # starting and stopping stack and generator, and the canary


@dataclass(frozen=True)
class Arm:
    """What is measured once in every block: a variant, or a variant once more for comparison with itself.

    `kind` is "" for a variant; "A/A" for an equal copy; "control" for one that is sent `delay_ms` too late on purpose.
    """

    name: str
    stack: Stack
    of: str = ""
    kind: str = ""
    delay_ms: float = 0.0


@dataclass(frozen=True)
class Trial:
    """Which arm is measured when: numbers count from 1, the position is the place within the block."""

    number: int
    block: int
    position: int
    arm: Arm
    rungs: Sequence[Rung]


@dataclass
class Measured:
    """What a trial gave: the load, what its processes used, and what the machine did meanwhile."""

    trial: Trial
    schedule: Schedule
    load: Load
    processes: Rows
    machine: Machine
    memory_bytes: dict[str, int]
    started_at: str
    canaries: list[Canary] = field(default_factory=list)
    repeated: str = ""  # why it does not count

    @property
    def canary_ms(self) -> float | None:
        """How long the fixed piece of work took before and after."""
        return sum(canary.median for canary in self.canaries) / len(self.canaries) if self.canaries else None

    @property
    def window_s(self) -> float:
        """Seconds from the first step's start to the last one's end."""
        return sum(rung.seconds + rung.pause_s for rung in self.trial.rungs[:-1]) + self.trial.rungs[-1].seconds

    def requests(self) -> pa.Table:
        """Return the rows of requests.parquet: every scheduled request, whatever became of it.

        Those of the warm-up are there, too, before the window and so with negative times; nothing is computed from
        them. The first step's rate stands for theirs.
        """
        trial, table = self.trial, self.load.table
        rates = [trial.rungs[max(0, step)].rate_per_s for step in table["step"].to_pylist()]
        same = {"trial": trial.number, "block": trial.block, "variant": trial.arm.name}
        for name, value in same.items():
            table = table.append_column(name, pa.array([value] * len(table), REQUESTS.field(name).type))
        return table.append_column("offered_per_s", pa.array(rates, pa.float64())).select(REQUESTS.names).cast(REQUESTS)

    def counts(self) -> dict[str, int]:
        """Return what became of the window's requests: scheduled = completed + dropped, failed is part of completed."""
        rows = zip(self.load.table["step"].to_pylist(), self.load.outcome.tolist(), strict=True)
        outcomes = Counter(outcome for step, outcome in rows if step != WARM_UP)
        scheduled, dropped = sum(outcomes.values()), outcomes["dropped"] + outcomes["unsent"] + outcomes["lost"]
        completed = scheduled - dropped
        return {
            "scheduled": scheduled,
            "completed": completed,
            "failed": completed - outcomes["ok"],
            "dropped": outcomes["dropped"],
        }

    def record(self) -> dict[str, object]:
        """Return the trial's entry in run.json."""
        trial = self.trial
        starts = [sum(rung.seconds + rung.pause_s for rung in trial.rungs[:step]) for step in range(len(trial.rungs))]
        steps = [
            {"step": step, "start_s": start, **asdict(rung)}
            for step, (start, rung) in enumerate(zip(starts, trial.rungs, strict=True))
        ]
        return {
            "trial": trial.number,
            "block": trial.block,
            "position": trial.position,
            "variant": trial.arm.name,
            "window_s": self.window_s,
            "steps": steps,
            **self.counts(),
            "connections": self.load.connections,
            "machine": asdict(self.machine),
            "canary_ms": self.canary_ms,
            "memory_bytes": self.memory_bytes,
            "repeated": self.repeated,
            "started_at": self.started_at,
        }


@dataclass(frozen=True)
class Bench:
    """What all trials of a run share."""

    folder: RunFolder
    photos: Path
    cores: Split
    profile: Profile

    def place(self, name: str, stack: Stack) -> Place:
        """Return a fresh place for a stack: nothing of an earlier one is in it, but what was prepared."""
        data, prepared = self.folder.work / "stack", self.folder.work / "prepared" / stack.name
        shutil.rmtree(data, ignore_errors=True)
        logs = self.folder.path / "logs" / name
        return Place(data, logs, self.photos, self.sut, prepared=prepared)

    @property
    def sut(self) -> tuple[int, ...]:
        """The cores of the system under test; none where processes cannot be pinned."""
        return self.cores.sut if self.cores.pinned else ()

    @property
    def generators(self) -> tuple[int, ...]:
        """The cores of the generator; none where processes cannot be pinned."""
        return self.cores.generator if self.cores.pinned else ()


def measure(bench: Bench, trial: Trial, schedule: Schedule, targets: Sequence[Target]) -> Measured:
    """Run one trial. Raises StackFailed or GeneratorFailed."""
    started_at = now()
    place = bench.place(f"trial-{trial.number:02d}-{trial.arm.name}", trial.arm.stack)
    folder, log = bench.folder.work / "load", place.logs / "generator.log"
    with (
        Generator(folder, log=log, cores=bench.generators) as generator,  # starts up while the stack does
        RunningStack(trial.arm.stack, place) as stack,
        Sampler({**stack.pids, "generator": generator.pid}) as sampler,
    ):
        before = counters.read(bench.cores.sut)
        load = generator.send(Plan(stack.base_url, schedule, targets, DEADLINE_S, trial.arm.delay_ms))
        machine = counters.read(bench.cores.sut).since(before)
        stack.check()
        memory = {name: memory_of(pid) for name, pid in stack.pids.items()}
    return Measured(trial, schedule, load, process_rows(trial, sampler.rows, load), machine, memory, started_at)


def process_rows(trial: Trial, samples: Rows, load: Load) -> Rows:
    """Return the rows of processes.parquet, on the same clock as the requests: zero is the window's start."""
    return [
        {**row, "t_ns": int(str(row["t_ns"])) - load.zero_ns, "trial": trial.number, "variant": trial.arm.name}
        for row in samples
    ]


def planned_s(profile: Profile, rungs: Sequence[Rung]) -> float:
    """Return how long a trial should take, for the remaining time only."""
    return ladder.seconds(profile, rungs) + AROUND_S
