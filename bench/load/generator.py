"""The load generator seen from the harness: hands Locust a plan, runs it under guard, reads what it recorded."""

import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from bench.exits import GeneratorFailed
from bench.load.plan import Plan, Target, begun
from bench.load.schedule import SECOND_NS, Int64s, Schedule
from bench.processes.guarded import ROOT, Guarded, ending, environment
from bench.processes.ports import HOST, free_port
from runfile.columns import NEVER
from runfile.folder import replace

DEADLINE_S = 10.0  # per request, from its intended time
START_ALLOWANCE_S = END_ALLOWANCE_S = 60.0
START_POLL_S, POLL_S = 0.02, 0.1
END_S = 5.0
LOCUSTFILE = ROOT / "bench" / "locustfile.py"


@dataclass(frozen=True)
class Load:
    """What was sent: a table with a row for every scheduled request, in order. Times are ns from the window's start,
    which is `zero_ns` on the monotonic clock; no answer, no time.
    """  # noqa: D205

    table: pa.Table
    zero_ns: int
    processes: int
    connections: int
    requests_sent: int
    loop_lag_ns: Sequence[int]
    collections: int = 0  # of garbage, while sending

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file that the Locust process wrote."""
        table = pq.read_table(path)
        facts: dict[str, Any] = json.loads(table.schema.metadata[b"sweetspot"])
        return cls(table.replace_schema_metadata(), **facts)

    def times(self, column: str) -> Int64s:
        """Return `intended_ns`, `sent_ns` or `done_ns` as an array, NEVER where there is none."""
        times: Int64s = self.table[column].fill_null(NEVER).to_numpy()
        return times

    @property
    def outcome(self) -> npt.NDArray[np.str_]:
        """The outcome of every request."""
        return np.array(self.table["outcome"].to_pylist(), dtype=np.str_)


class Flight:
    """A load that is under way. Its clock is that of the requests: zero is the start of the window."""

    def __init__(self, generator: "Generator", plan: Plan, zero_ns: int) -> None:
        self._generator = generator
        self._plan = plan
        self.zero_ns = zero_ns
        self.zero_at = datetime.fromtimestamp((time.time_ns() - time.monotonic_ns() + zero_ns) / SECOND_NS, UTC)

    @property
    def now_ns(self) -> int:
        """Nanoseconds since the window's start: the clock of requests, processes and events of this trial."""
        return time.monotonic_ns() - self.zero_ns

    def until(self, seconds: float) -> None:
        """Wait until so many seconds after the window's start. Raises GeneratorFailed if the load ends before."""
        while (left := seconds - self.now_ns / SECOND_NS) > 0:
            code = self._generator.locust.wait(left)
            if code is not None:
                raise self._generator.failed(f"ended early ({ending(code)})")

    def finish(self) -> Load:
        """Wait until all is answered or past its deadline, and return it. Raises GeneratorFailed."""
        generator, plan = self._generator, self._plan
        end_s = float(plan.schedule.offset_ns.max(initial=0)) / SECOND_NS + plan.deadline_s
        left_s = end_s + END_ALLOWANCE_S - self.now_ns / SECOND_NS
        # It writes, and then takes its time to end: nobody waits for that.
        generator.wait_for(generator.samples, left_s, POLL_S, "did not finish in time", "ended without a result")
        return Load.read(generator.samples)


class Generator:
    """Context manager: Locust under guard on its cores. It starts up at once, and sends when it is given a plan."""

    def __init__(self, folder: Path, *, log: Path, cores: Iterable[int] = (), processes: int = 1) -> None:
        folder = folder.absolute()  # Locust's current folder is another one
        self.plan_file, self.samples = folder / "plan.json", folder / "samples.parquet"
        folder.mkdir(parents=True, exist_ok=True)
        for old in (self.plan_file, begun(self.plan_file), self.samples):
            old.unlink(missing_ok=True)
        argv = [
            sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE.relative_to(ROOT)), "--headless",
            "--only-summary", "--exit-code-on-error", "0",
            "--plan", str(self.plan_file), "--samples", str(self.samples),
        ]  # fmt: skip
        if processes > 1:  # they talk to each other over a port: a free one, on this machine only
            port = str(free_port())
            argv += ["--processes", str(processes), "--master-bind-host", HOST]
            argv += ["--master-bind-port", port, "--master-port", port]
        env = environment({"HOME": str(log.parent.absolute())})
        self.locust = Guarded("generator", argv, env=env, log=log, cores=cores)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.samples.exists():
            self.locust.wait(END_S)  # it still prints its tables into the log
        self.locust.stop()

    @property
    def pid(self) -> int:
        """The root of the generator's process tree."""
        return self.locust.pid

    def start(self, plan: Plan) -> Flight:
        """Hand over a plan, and return as soon as it is known when its window starts. Raises GeneratorFailed."""
        replace(self.plan_file, json.dumps(plan.facts()))
        known = begun(self.plan_file)
        self.wait_for(known, START_ALLOWANCE_S, START_POLL_S, "did not start in time", "sent nothing")
        return Flight(self, plan, int(known.read_text(encoding="utf-8")))

    def wait_for(self, file: Path, seconds: float, poll_s: float, late: str, ended: str) -> None:
        """Wait until Locust has written a file. Raises GeneratorFailed when that takes too long, or it ended before."""
        until, code = time.monotonic() + seconds, None
        while not file.exists() and code is None and time.monotonic() < until:
            code = self.locust.wait(poll_s)
        if not file.exists():
            raise self.failed(late if code is None else f"{ended} ({ending(code)})")

    def failed(self, what: str) -> GeneratorFailed:
        """Return the failure with the last log lines."""
        log, tail = self.locust.log, self.locust.tail()
        return GeneratorFailed(f"the load generator {what}; its last log lines, from {log}:\n{tail}")


def send(
    url: str,
    schedule: Schedule,
    targets: Sequence[Target],
    *,
    folder: Path,
    cores: Iterable[int] = (),
    processes: int = 1,
    deadline_s: float = DEADLINE_S,
) -> Load:
    """Send a schedule to a server that runs, and return what became of it. Raises GeneratorFailed."""
    with Generator(folder, log=folder / "generator.log", cores=cores, processes=processes) as generator:
        return generator.start(Plan([url], schedule, targets, deadline_s)).finish()
