"""The gates of machine and generator, from what was recorded of some trials: the same for every experiment. Pure."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from bench.gates import judging
from bench.gates.thresholds import Thresholds
from bench.statistics.noise import canary_deviation
from bench.statistics.steps import GENERATOR, SECOND_NS
from runfile.facts import Gate, Machine, Null, PeerTrial, Trial


def of_run(limits: Thresholds, machine: Machine, null: Null | None) -> list[Gate]:
    """Return the gates of the whole run: cores of their own, and the generator against a server that does nothing."""
    shared = len(set(machine.sut_cores) & set(machine.generator_cores))
    found = [judging.own_cores(limits, shared=shared, pinned=machine.pinned)]
    if null is not None:
        found += judging.calibration(limits, null.rate_per_s, null.lag_p99_ms, null.service_p99_ms)
    return found


def of_machine(
    limits: Thresholds,
    name: str,
    own: Sequence[Trial | PeerTrial],
    everybody: Sequence[Trial | PeerTrial],
    foreign_share: float | None = None,
) -> list[Gate]:
    """G6: what the machine did during some trials: shares on average, the canary at its worst, beside everybody's."""
    usages = [each.usage for each in own if each.usage is not None]
    canaries = [each.canary_ms for each in everybody if each.canary_ms]
    return judging.environment(
        limits,
        name,
        steal_share=mean(each.steal_share for each in usages),
        throttled_s=worst(each.throttled_s for each in usages),
        foreign_share=foreign_share,
        canary_deviation=worst(canary_deviation(each.canary_ms, canaries) for each in own if each.canary_ms),
    )


def of_generator(
    limits: Thresholds, name: str, own: Sequence[Trial], requests: pd.DataFrame, processes: pd.DataFrame
) -> list[Gate]:
    """G3, G4 and G9: the generator had time to spare, read in time, and sent nothing twice. `requests` are all it sent."""  # noqa: E501
    sent = requests[requests["trial"].isin([each.trial for each in own]) & requests["sent_ns"].notna()]
    sent = sent[sent["photo_id"].notna()]  # the bare model's rows went over no wire
    lags = [each.loop_lag_p99_ms for each in own]
    return [
        judging.generator_cpu(limits, name, {GENERATOR: generator_cpu(own, processes)}),
        judging.loop_lag(limits, name, worst(lags), gc_off=not any(each.collections for each in own)),
        judging.single_attempts(
            limits,
            name,
            recorded=len(sent),
            on_wire=sum(each.requests_sent for each in own),
            connections=sum(each.connections for each in own),
        ),
    ]


def generator_cpu(own: Iterable[Trial], processes: pd.DataFrame) -> list[float]:
    """Return the generator's CPU by second, within the windows."""
    found: list[float] = []
    for trial in own:
        rows = processes[(processes["trial"] == trial.trial) & (processes["process"] == GENERATOR)]
        at = rows["t_ns"] / SECOND_NS
        found += rows[(at >= 0) & (at <= (trial.window_s or 0.0))]["cpu_percent"].tolist()
    return found


def foreign_share(trial: Trial, processes: pd.DataFrame, machine: Machine) -> float | None:
    """Return the share of the system's cores that others used: busy time that the stacks' processes do not account for.

    None where the cores are not the system's alone. Samples of once a second, so short trials are judged roughly.
    """
    usage = trial.usage
    if not machine.pinned or usage is None or not usage.wall_s or usage.busy_s is None:
        return None
    rows = processes[(processes["trial"] == trial.trial) & (processes["process"] != GENERATOR)]
    times = sorted(rows["t_ns"].unique())
    if len(times) < 2:  # noqa: PLR2004 - no time between samples
        return None
    percent = float(rows[rows["t_ns"] != times[0]]["cpu_percent"].sum())
    own_share = percent / 100 / (len(times) - 1)
    return max(0.0, usage.busy_s / usage.wall_s - own_share) / len(machine.sut_cores)


def late(limits: Thresholds, lag_ms: np.ndarray, service_ms: np.ndarray) -> str:
    """Say by how much the generator spoiled what it sent, "" if it did not: late beyond what G1 allows."""
    if not len(lag_ms):
        return ""
    gate = judging.lag(limits, "", lag_ms, float(np.median(service_ms)) if len(service_ms) else None)
    return f"the generator was late: {gate.value:.3g} ms at p99" if gate.verdict == "fail" else ""


def disturbed(limits: Thresholds, trial: Trial | PeerTrial, session: Sequence[float]) -> str:
    """Say how the machine spoiled a trial, "" if it did not: speed far off the usual, or CPU stolen."""
    off = canary_deviation(trial.canary_ms, [*session, trial.canary_ms]) if trial.canary_ms else 0.0
    if off > limits["G6-canary"].fails:
        return f"the cores were {off:.0%} off their usual speed"
    steal = (trial.usage.steal_share if trial.usage else None) or 0.0
    return f"{steal:.0%} of the CPU was stolen" if steal > limits["G6-steal"].fails else ""


def worst(values: Iterable[float | None]) -> float | None:
    """Return the largest of those that are known."""
    return max((value for value in values if value is not None), default=None)


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of those that are known."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
