"""The doctor's look at the machine at rest: room, cores, and who else uses them."""

import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from bench.doctor.finding import Finding, ok, spoils, stops, warning
from bench.gates.thresholds import Threshold, Thresholds
from bench.machine import counters
from bench.machine.cores import Split
from runfile.facts import Usage

WATCH_S = 3.0
GB = 1e9
DISK_GB = (0.5, 2.0)  # less stops a run, less is worth a warning; a full run keeps about 0.1
MEMORY_GB = (1.5, 3.0)  # the stacks of a block, the generator and the harness hold about 2.4 together
PRESSURE_SHARE = 0.1
TOPOLOGY = Path("/sys/devices/system/cpu")
SILENT, UNSEEN = "this system does not tell", "close other programs: nobody will notice if they disturb a run"


def room(folder: Path) -> list[Finding]:
    """Check free disk and memory."""
    disk, memory = shutil.disk_usage(folder).free / GB, psutil.virtual_memory().available / GB
    return [enough("Free disk", disk, DISK_GB), enough("Free memory", memory, MEMORY_GB)]


def enough(what: str, found_gb: float, limits_gb: tuple[float, float]) -> Finding:
    """Judge one kind of room."""
    least, good = limits_gb
    found = f"{found_gb:.1f} GB"
    if found_gb < least:
        return stops(what, found, f"make room: a run needs {least:g} GB")
    return ok(what, found) if found_gb >= good else warning(what, found, f"make room: {good:g} GB let a run breathe")


def by_gate(what: str, gate: Threshold, value: float | None, found: str) -> Finding:
    """Judge a value like a run would; what would make a run invalid is a problem."""
    verdict = gate.verdict(value)
    if verdict == "not judged":
        return warning(what, SILENT, UNSEEN)
    if verdict == "pass":
        return ok(what, found)
    return (warning if verdict == "warn" else spoils)(what, found, gate.advice)


def cores(split: Split, limits: Thresholds, topology: Path = TOPOLOGY) -> list[Finding]:
    """Check that system and generator have cores of their own, can be kept on them, and share no physical core."""
    shared = len({*split.sut} & {*split.generator})
    found = f"system on {numbers(split.sut)}, generator on {numbers(split.generator)}"
    return [by_gate("Cores", limits["cores"], shared, found), pinning(split), siblings(split, topology)]


def numbers(cores: Iterable[int]) -> str:
    """Return core numbers for people."""
    return ", ".join(map(str, cores))


def pinning(split: Split) -> Finding:
    """Try to pin this process to the generator's cores, where it belongs anyway."""
    found = "" if split.pinned else "this system cannot keep processes on cores"
    try:
        if split.pinned:
            os.sched_setaffinity(0, split.generator)
    except OSError as error:
        found = f"processes cannot be kept on cores ({error.strerror})"
    advice = "compare within one run only: the system may move processes between the cores"
    return warning("Pinning", found, advice) if found else ok("Pinning", "processes stay on their cores")


def siblings(split: Split, topology: Path) -> Finding:
    """Look for physical cores that serve system and generator both, as hyper-threads."""
    what = "Hyper-threads"
    physical = {core: thread_siblings(topology / f"cpu{core}/topology/thread_siblings_list") for core in split.sut}
    if not all(physical.values()):
        return warning(what, SILENT, "if system and generator share a physical core, load slows the system down")
    shared = sorted(core for core in split.sut if physical[core] & {*split.generator})
    if shared:
        where = f"core {numbers(shared)} of the system shares a physical core with the generator"
        return warning(what, where, "trust ratios before times, or switch hyper-threading off")
    return ok(what, "system and generator share no physical core, as far as this system tells")


def thread_siblings(file: Path) -> set[int]:
    """Read a list such as `0,2` or `0-1`; nothing where the system has no such file."""
    try:
        parts = [part.partition("-") for part in file.read_text(encoding="utf-8").strip().split(",")]
    except OSError:
        return set()
    return {core for low, _, high in parts for core in range(int(low), int(high or low) + 1)}


def company(split: Split, limits: Thresholds) -> list[Finding]:
    """Watch the machine while nothing of ours runs: whatever is busy is somebody else."""
    used = (*split.sut, *split.generator)
    before = counters.read(used)
    time.sleep(WATCH_S)
    return judge_company(counters.read(used).since(before), len({*used}), limits)


def judge_company(seen: Usage, count: int, limits: Thresholds) -> list[Finding]:
    """Judge steal, throttling, foreign load, and how often somebody waits for a core, although nothing of ours runs."""
    foreign = (seen.busy_s or 0.0) / ((seen.wall_s or WATCH_S) * count)
    waiting, found = seen.pressure_share, f"somebody waits for a core {seen.pressure_share or 0:.1%} of the time"
    pressure = warning("CPU pressure", found, "close other programs")
    if waiting is None:
        pressure = warning("CPU pressure", SILENT, UNSEEN)
    elif waiting <= PRESSURE_SHARE:
        pressure = ok("CPU pressure", found)
    return [
        by_gate("Stolen CPU", limits["G6-steal"], seen.steal_share, f"{seen.steal_share or 0:.1%} taken by the host"),
        by_gate("CPU quota", limits["G6-throttled"], seen.throttled_s, f"{seen.throttled_s or 0:.2f} s held back"),
        by_gate("Other programs", limits["G6-foreign"], foreign, f"{foreign:.1%} of the cores in use"),
        pressure,
    ]
