"""What generator and machine did during the trials of one arm, as the gates want to know it."""

from collections.abc import Iterable, Sequence

from bench.latency.trial import Measured
from bench.machine.cores import Split
from bench.statistics.noise import canary_deviation


def cpu_percent(own: Iterable[Measured]) -> list[float]:
    """Return the generator's CPU by second, within the windows."""
    return [
        float(str(row["cpu_percent"]))
        for each in own
        for row in each.processes
        if row["process"] == "generator" and 0 <= int(str(row["t_ns"])) / 1e9 <= each.window_s
    ]


def environment(everybody: Sequence[Measured], own: Sequence[Measured], cores: Split) -> dict[str, float | None]:
    """Return what the machine did during the trials of an arm: shares on average, the canary at its worst."""
    machines = [each.machine for each in own]
    canaries = [each.canary_ms for each in everybody if each.canary_ms is not None]
    return {
        "steal_share": mean(machine.steal_share for machine in machines),
        "throttled_s": worst(machine.throttled_s for machine in machines),
        "foreign_share": mean(foreign_share(each, cores) for each in own),
        "canary_deviation": worst(canary_deviation(each.canary_ms, canaries) for each in own if each.canary_ms),
    }


def foreign_share(measured: Measured, cores: Split) -> float | None:
    """Return the share of the system's cores that others used: busy time that the stack's processes do not account for.

    None where the cores are not the system's alone. Samples of once a second, so short trials are judged roughly.
    """
    if not cores.pinned or not measured.machine.wall_s:
        return None
    rows = [row for row in measured.processes if row["process"] != "generator"]
    times = sorted({int(str(row["t_ns"])) for row in rows})
    if len(times) < 2:  # noqa: PLR2004 - no time between samples
        return None
    percent = sum(float(str(row["cpu_percent"])) for row in rows if row["t_ns"] != times[0])
    own_share = percent / 100 / (len(times) - 1)
    busy_share = measured.machine.busy_s / measured.machine.wall_s
    return max(0.0, busy_share - own_share) / len(cores.sut)


def worst(values: Iterable[float | None]) -> float | None:
    """Return the largest of those that are known."""
    return max((value for value in values if value is not None), default=None)


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of those that are known."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
