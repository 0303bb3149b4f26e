"""The doctor's look at the machine at work: how steady the cores are, how exact the timer, how fast the generator."""

import contextlib
import select
import time
from collections.abc import Callable, Iterable

import numpy as np
from scipy import stats

from bench.doctor.finding import Finding, ok, spoils, warning
from bench.doctor.machine import by_gate
from bench.exits import CanaryFailed, Failure
from bench.gates.thresholds import Thresholds
from bench.load.known import Place, Steps, Told, send_to_null
from bench.load.oracle import Floats
from bench.load.pacer import TimerFd, has_timerfd
from bench.machine import canary
from bench.machine.canary import Canary
from bench.machine.cores import Split
from bench.statistics.quantities import MS, quantile

CANARIES, BLOCKS = 10, 6
TELLS_WELL, TELLS_NOTHING = 0.1, 1.0  # who cannot tell a factor of two cannot compare architectures
TICKS, TICK_NS = 500, 2_000_000
RATES: Steps = ((200.0, 5.0), (500.0, 2.0), (1000.0, 2.0), (2000.0, 2.0))
LATE_MS, USEFUL_RATE = 2.5, 500.0  # a rate can be sent when its lag stays below that in the 99th percentile


def steadiness(split: Split, measure: Callable[[Iterable[int]], Canary] = canary.measure) -> Finding:
    """Time the same work again and again, and say what a run could tell if its trials swung as much."""
    try:
        times = np.array([measure(split.sut).median for _ in range(CANARIES)])
    except CanaryFailed as failure:
        return spoils("Steady cores", str(failure), "allow processes on all cores")
    return judge_steadiness(times)


def judge_steadiness(times_ms: Floats) -> Finding:
    """Judge by the smallest difference that could be told."""
    smallest = smallest_difference(times_ms)
    found = (
        f"the same work took {times_ms.min():.1f} to {times_ms.max():.1f} ms: "
        f"a run of {BLOCKS} blocks could tell differences above about {smallest:.0%}"
    )
    if smallest <= TELLS_WELL:
        return ok("Steady cores", found)
    judge = warning if smallest <= TELLS_NOTHING else spoils
    return judge("Steady cores", found, "use more blocks, a quieter hour, or a machine of your own")


def smallest_difference(times: Floats) -> float:
    """Return the half width of the interval that a run of 6 blocks would give the ratio of two equal systems.

    Every two neighbours are taken as the two trials of a block. With s as the standard deviation of their log ratio,
    around 0, the half width is t(0.975, n - 1) * s / sqrt(n) = 1.05 * s for n = 6 blocks, here as a relative number.
    """
    logs = np.diff(np.log(times))
    deviation = float(np.sqrt((logs**2).mean()))
    return float(np.expm1(stats.t.ppf(0.975, BLOCKS - 1) / BLOCKS**0.5 * deviation))


def timer(limits: Thresholds, has_timer: Callable[[], bool] = has_timerfd) -> Finding:
    """Wait for many absolute times, like the generator does, and look how late each wait ends."""
    if not has_timer():
        advice = "expect more CPU use of the generator, and keep the rates low"
        return warning("Timer", "none that is fine enough: the generator has to poll", advice)
    lags, due = [], time.monotonic_ns()
    with contextlib.closing(TimerFd()) as clock:
        for _ in range(TICKS):
            due = max(due, time.monotonic_ns()) + TICK_NS
            clock.arm(due)
            select.select([clock], [], [])
            lags.append((time.monotonic_ns() - due) / MS)
            clock.clear()
    p50, p99 = (quantile(np.array(lags), p) for p in (0.5, 0.99))
    return by_gate("Timer", limits["G1"], p99, f"{p50:.2f} ms late in the median, {p99:.2f} ms in the 99th percentile")


def generator(place: Place, limits: Thresholds) -> list[Finding]:
    """Put the load generator on the null server, at rising rates."""
    try:
        told = send_to_null(place, RATES)
    except Failure as failure:
        return [spoils("Load generator", str(failure), "solve this first: without a generator nothing is measured")]
    return judge_generator(told, RATES, limits)


def judge_generator(told: Told, rates: Steps, limits: Thresholds) -> list[Finding]:
    """Judge lag and service at the first rate, and the highest rate that could be sent."""
    lag, service = quantile(told.lag_ms[told.rows(0)], 0.99), quantile(told.service_ms[told.rows(0)], 0.99)
    first = f"at {rates[0][0]:.0f} requests/s"
    return [
        by_gate("Dispatch lag", limits["G5-lag"], lag, f"{lag:.2f} ms in the 99th percentile, {first}"),
        by_gate("Null server", limits["G5-service"], service, f"answers within {service:.2f} ms (p99), {first}"),
        highest(told, rates),
    ]


def highest(told: Told, rates: Steps) -> Finding:
    """Return the highest rate up to which everything was sent in time and answered."""
    best = 0.0
    for step, (rate, _) in enumerate(rates):
        rows = told.rows(step)
        if quantile(told.lag_ms[rows], 0.99) > LATE_MS or (told.load.outcome[rows] != "ok").any():
            break
        best = rate
    found = f"{best:,.0f} requests/s from one process (lag p99 up to {LATE_MS} ms; tried up to {rates[-1][0]:,.0f})"
    if best >= USEFUL_RATE:
        return ok("Highest rate", found)
    return (warning if best else spoils)("Highest rate", found, "close other programs, and stay below this rate")
