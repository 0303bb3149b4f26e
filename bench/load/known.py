"""The server with known answers as the harness runs it, and the truth about a load that was sent to it."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.exits import GeneratorFailed
from bench.load import generator
from bench.load.generator import Load
from bench.load.oracle import Floats, responses, windows
from bench.load.plan import Target
from bench.load.schedule import SECOND_NS, Phase, Schedule, draw
from bench.machine.cores import Split
from bench.processes.guarded import Guarded, environment
from bench.processes.ports import HOST
from runfile.columns import NEVER

START_DEADLINE_S = 20.0
POLL_S = 0.02
LONG_S = 3600.0  # no load takes so long, so there are no stalls behind it
CASE = "metadata"
TARGETS: list[Target] = [{"id": "1", "path": "1"}]
WARM_UP_S, PAUSE_S = 1.0, 0.5

Steps = Sequence[tuple[float, float]]  # rate per second, seconds


@dataclass(frozen=True)
class Setting:
    """What the server is asked to be. No service time and no stalls: the null server."""

    service_ms: float = 0.0
    stall_s: float = 0.0
    every_s: float = 0.0

    @property
    def service_s(self) -> float:
        """The service time in seconds."""
        return self.service_ms / 1000


@dataclass(frozen=True)
class Known:
    """A running server: when it started on the monotonic clock, and its stalls in seconds from then."""

    url: str
    setting: Setting
    zero_ns: int
    stalls: dict[str, float] | None

    def truth(self, arrivals_s: Floats) -> Floats:
        """Return the response times in seconds for arrivals at these times, in seconds from the server's start."""
        stalls = windows(**self.stalls, until_s=float(arrivals_s.max()) + LONG_S) if self.stalls else []
        return responses(arrivals_s, self.setting.service_s, stalls)


@dataclass(frozen=True)
class Told:
    """What was sent, what the generator tells of it, and the truth."""

    schedule: Schedule
    load: Load
    truth_s: Floats

    @property
    def response_s(self) -> Floats:
        """Seconds from a request's intended time to its answer, as told; infinite where there was no good answer."""
        took = (self.load.times("done_ns") - self.schedule.offset_ns) / SECOND_NS
        return np.where(self.load.outcome == "ok", took, np.inf)

    @property
    def lag_ms(self) -> Floats:
        """Milliseconds from a request's intended time to its sending; infinite where it was never sent."""
        sent = self.load.times("sent_ns")
        return np.where(sent != NEVER, (sent - self.schedule.offset_ns) / 1e6, np.inf)

    @property
    def service_ms(self) -> Floats:
        """Milliseconds from a request's sending to its answer; infinite where there was no good answer."""
        took = (self.load.times("done_ns") - self.load.times("sent_ns")) / 1e6
        return np.where(self.load.outcome == "ok", took, np.inf)

    def rows(self, step: int = 0) -> npt.NDArray[np.bool_]:
        """Return which requests belong to a step; the warm-up belongs to none."""
        return np.equal(self.schedule.step, step)


@contextmanager
def serving(setting: Setting, folder: Path, cores: Iterable[int]) -> Iterator[Known]:
    """Run a server on these cores. Raises StackFailed or GeneratorFailed when it does not start."""
    answer = folder / "server.json"
    answer.unlink(missing_ok=True)  # a server before this one may have left its own
    options = [f"--{name.replace('_', '-')}={value:g}" for name, value in vars(setting).items()]
    argv = [sys.executable, "-m", "bench.load.known_server", *options]
    with Guarded("server", argv, env=environment(), log=folder / "server.log", cores=cores, output=answer) as server:
        facts = first_line(server, answer)
        yield Known(f"http://{HOST}:{facts['port']}", setting, facts["zero_ns"], facts["stalls"])


def first_line(server: Guarded, answer: Path) -> dict[str, Any]:
    """Wait for the line that the server prints when it is open."""
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline and server.wait(POLL_S) is None:
        text = answer.read_text(encoding="utf-8")
        if text.endswith("\n"):
            facts: dict[str, Any] = json.loads(text)
            return facts
    raise GeneratorFailed(f"the calibration's server did not start; its last log lines:\n{server.tail()}")


@dataclass(frozen=True)
class Place:
    """Where a trial happens: the server on the system's cores, the generator on its own, files in a folder."""

    cores: Split
    folder: Path


def schedule_of(arrivals: str, steps: Steps, seed: int = 1) -> Schedule:
    """Draw steps, after a warm-up at the first rate."""
    phases = [Phase(seconds, {CASE: rate}, PAUSE_S) for rate, seconds in steps]
    return draw(Phase(WARM_UP_S, {CASE: steps[0][0]}), phases, 1, arrivals=arrivals, seed=(seed,))


def send(place: Place, known: Known, schedule: Schedule, processes: int = 1) -> Told:
    """Send a schedule to a server."""
    cores = place.cores.generator
    load = generator.send(known.url, schedule, TARGETS, folder=place.folder, cores=cores, processes=processes)
    arrivals_s = (schedule.offset_ns + load.zero_ns - known.zero_ns) / SECOND_NS
    return Told(schedule, load, known.truth(arrivals_s))


def send_to_null(place: Place, steps: Steps) -> Told:
    """Send steps of evenly spaced requests to the null server."""
    with serving(Setting(), place.folder, place.cores.sut) as known:
        return send(place, known, schedule_of("constant", steps))
