"""The machine that a run happened on: its fingerprint, and how its cores are split between system and generator."""

import importlib.metadata
import os
import platform
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.processes.guarded import ROOT, environment
from runfile.facts import Machine

NICENESS = 10
PACKAGES = (
    "sweetspot", "locust", "gevent", "geventhttpclient", "onnxruntime", "onnxruntime-gpu", "flask", "gunicorn",
    "fastapi", "uvicorn", "sqlalchemy", "pycurl", "numpy", "pillow",
)  # fmt: skip


@dataclass(frozen=True)
class Split:
    """The system under test and the load generator get cores of their own, else they would slow each other down."""

    sut: tuple[int, ...]
    generator: tuple[int, ...]
    pinned: bool


def split_cores() -> Split:
    """Give the system under test the first max(1, n // 2) usable cores and the generator the rest."""
    if hasattr(os, "sched_getaffinity"):
        return split(sorted(os.sched_getaffinity(0)), pinned=True)
    return split(list(range(os.cpu_count() or 1)), pinned=False)


def split(cores: list[int], *, pinned: bool) -> Split:
    """Split the given cores; one core serves both."""
    half = max(1, len(cores) // 2)
    return Split(tuple(cores[:half]), tuple(cores[half:] or cores), pinned)


def stay_off(cores: Split) -> None:
    """Pin the harness itself to the generator's cores: its own work must not slow the system under test."""
    if cores.pinned:
        os.sched_setaffinity(0, cores.generator)


def give_way() -> None:
    """Let the calling thread give way to the load generator, whose cores it shares."""
    if sys.platform == "linux":  # there, and only there, a thread has a niceness of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def cpu_model() -> str:
    """Return the processor's name as the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def fingerprint(cores: Split) -> Machine:
    """Return the facts of the machine for run.json."""
    return Machine(
        os=platform.platform(),
        cpu=cpu_model(),
        cores=os.cpu_count() or 1,
        memory_bytes=int(psutil.virtual_memory().total),
        python=platform.python_version(),
        kernel=platform.release(),
        sut_cores=cores.sut,
        generator_cores=cores.generator,
        pinned=cores.pinned,
    )


def versions() -> dict[str, str]:
    """Return the versions of the packages that matter, and of this repository where git can tell."""
    found = {}
    for package in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    described = git_describe()
    return {**found, "git": described} if described else found


def git_describe() -> str:
    """Return `git describe` of the repository, empty where it cannot be had."""
    argv = ["git", "describe", "--always", "--dirty", "--tags"]
    try:
        return subprocess.run(
            argv, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
