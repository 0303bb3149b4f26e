"""Counters read from files with known numbers, for every kind of system, and once from this usage."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bench.machine.counters import Counters, read
from runfile.facts import Usage

TICKS = os.sysconf("SC_CLK_TCK")


def stat(user: float, idle: float, steal: float) -> str:
    """Core 1 as given in seconds, core 0 with other numbers that must not be taken."""
    return (
        "cpu  999 0 0 999 0 0 0 999 0 0\n"
        "cpu0 777 7 7 777 7 7 7 777 7 7\n"
        f"cpu1 {user * TICKS:.0f} 0 0 {idle * TICKS:.0f} 0 0 0 {steal * TICKS:.0f} 50 0\n"
        "intr 5 0\n"
    )


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / {"stat": "proc/stat", "pressure": "proc/pressure/cpu", "cgroup": "proc/self/cgroup"}[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def cpu_stat(root: Path, group: str, text: str) -> None:
    path = root / "sys/fs/cgroup" / group / "cpu.stat"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_busy_and_stolen_time_are_those_of_the_given_cores(tmp_path: Path):
    write(tmp_path, stat=stat(user=1, idle=8, steal=1))
    before = read([1], tmp_path)
    write(tmp_path, stat=stat(user=4, idle=14, steal=2))
    usage = read([1], tmp_path).since(before)
    assert usage.busy_s == pytest.approx(3)
    assert usage.steal_share == pytest.approx(0.1)


def test_pressure_is_a_share_of_the_time_between():
    before = Counters(wall_s=0, busy_s=0, total_s=0, steal_s=None, throttled_s=None, pressure_s=2.0)
    after = Counters(wall_s=10, busy_s=0, total_s=0, steal_s=None, throttled_s=None, pressure_s=2.5)
    assert after.since(before) == Usage(None, None, 0.05, 0.0, 10.0)


def test_pressure_is_read_as_the_total_of_some(tmp_path: Path):
    some = "some avg10=1.12 avg60=0.82 avg300=0.57 total=2500000\n"
    write(tmp_path, pressure=some + "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n")
    assert read([0], tmp_path).pressure_s == pytest.approx(2.5)


def test_busy_time_that_a_kernel_takes_back_is_none_at_all(tmp_path: Path):
    before = read([0], tmp_path)
    assert replace(before, busy_s=before.busy_s - 0.01).since(before).busy_s == 0


def test_what_a_system_does_not_tell_is_none_and_busy_time_is_still_known(tmp_path: Path):
    usage = read([0], tmp_path).since(read([0], tmp_path))
    assert (usage.steal_share, usage.throttled_s, usage.pressure_share) == (None, None, None)
    assert usage.busy_s >= 0


def test_throttling_of_all_groups_above_us_counts_in_version_2(tmp_path: Path):
    write(tmp_path, cgroup="0::/job/step\n")
    cpu_stat(tmp_path, "job/step", "usage_usec 5\nthrottled_usec 1000000\n")
    cpu_stat(tmp_path, "job", "usage_usec 5\nthrottled_usec 500000\n")
    cpu_stat(tmp_path, "", "usage_usec 5\n")
    assert read([0], tmp_path).throttled_s == pytest.approx(1.5)


def test_throttling_in_version_1_also_where_only_the_containers_part_is_mounted(tmp_path: Path):
    write(tmp_path, cgroup="9:memory:/host/box\n4:cpu,cpuacct:/host/box\n0::/\n")
    cpu_stat(tmp_path, "cpu,cpuacct", "nr_periods 5\nthrottled_time 250000000\n")
    assert read([0], tmp_path).throttled_s == pytest.approx(0.25)


def test_work_on_this_machine_shows_as_busy_time():
    cores = os.sched_getaffinity(0)
    before, until = read(cores), time.process_time() + 0.2
    while time.process_time() < until:
        pass
    usage = read(cores).since(before)
    assert usage.busy_s >= 0.2 - 3 / TICKS  # the kernel counts in ticks
    assert usage.wall_s >= 0.2
