"""What the kernel counts about the machine: time per core, stolen time, throttling, pressure. Read before and after.

    before = read(cores)
    ...
    usage = read(cores).since(before)

Only Linux tells most of it; what a system does not tell is None, never 0. Reading takes less than a millisecond.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from runfile.facts import Usage

SYSTEM = Path("/")
MICROSECONDS, NANOSECONDS = 1e-6, 1e-9
# /proc/stat of proc(5): user nice system idle iowait irq softirq steal; guest time is contained in user and nice.
BUSY, STEAL, COLUMNS = (0, 1, 2, 5, 6), 7, 8


@dataclass(frozen=True)
class Counters:
    """All counters at one moment, in seconds."""

    wall_s: float
    busy_s: float
    total_s: float
    steal_s: float | None
    throttled_s: float | None
    pressure_s: float | None

    def since(self, before: "Counters") -> Usage:
        """Return what happened since an earlier reading of the same cores: seconds, and shares of their time."""
        steal = difference(self.steal_s, before.steal_s)
        pressure = difference(self.pressure_s, before.pressure_s)
        wall_s, total_s = self.wall_s - before.wall_s, self.total_s - before.total_s
        return Usage(
            steal_share=None if steal is None else steal / total_s if total_s > 0 else 0.0,
            throttled_s=difference(self.throttled_s, before.throttled_s),
            pressure_share=None if pressure is None else pressure / wall_s if wall_s > 0 else 0.0,
            busy_s=max(0.0, self.busy_s - before.busy_s),  # a kernel may take a tick back
            wall_s=wall_s,
        )


def difference(now: float | None, before: float | None) -> float | None:
    """Return the difference, never below zero: steal has been seen to run backwards by a tick on virtual machines."""
    return None if now is None or before is None else max(0.0, now - before)


def read(cores: Iterable[int], root: Path = SYSTEM) -> Counters:
    """Read the counters of these cores. Where nothing tells cores apart, busy time is that of the whole machine."""
    names, tick_s = {f"cpu{core}" for core in cores}, 1 / os.sysconf("SC_CLK_TCK")
    rows = [words[1 : COLUMNS + 1] for words in lines(root / "proc/stat") if words and words[0] in names]
    if rows:
        seconds = [[int(ticks) * tick_s for ticks in row] for row in rows]
        busy = sum(times[column] for times in seconds for column in BUSY)
        total, steal = sum(map(sum, seconds)), sum(times[STEAL] for times in seconds)
    else:
        whole = psutil.cpu_times()
        busy, total, steal = whole.user + whole.nice + whole.system, sum(whole), None
    return Counters(time.monotonic(), busy, total, steal, throttled(root), pressure(root / "proc/pressure/cpu"))


def lines(file: Path) -> list[list[str]]:
    """Return the words of every line; nothing where the system has no such file or does not open it."""
    try:
        return [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return []


def pressure(file: Path) -> float | None:
    """Return for how many seconds some task waited for a core so far (pressure stall information, `some`)."""
    for kind, *fields in lines(file):
        if kind == "some":
            return int(dict(field.split("=") for field in fields)["total"]) * MICROSECONDS
    return None


def throttled(root: Path) -> float | None:
    """Return for how many seconds the control groups that we are in were held back by a CPU quota.

    A quota may sit on any group above ours, so all are added up to the top of what is mounted here. Both versions of
    control groups are understood: version 1 counts in ns and has a folder per controller, version 2 counts in us.
    """
    found = []
    for entry in lines(root / "proc/self/cgroup"):
        _, controllers, path = entry[0].split(":", 2)
        if "cpu" in controllers.split(",") or controllers == "":
            top = root / "sys/fs/cgroup" / controllers
            group = top / path.lstrip("/")
            groups = [group, *(parent for parent in group.parents if parent.is_relative_to(top))]
            found += [told for one in groups if (told := throttled_in(one / "cpu.stat")) is not None]
    return sum(found) if found else None


def throttled_in(stat: Path) -> float | None:
    """Return the throttled seconds of one control group, None where its cpu.stat does not tell."""
    told = {words[0]: int(words[1]) for words in lines(stat)}
    if "throttled_usec" in told:
        return told["throttled_usec"] * MICROSECONDS
    return told["throttled_time"] * NANOSECONDS if "throttled_time" in told else None
