"""The calibration: the real load generator against servers with known answers, truth beside reported.

Three kinds of servers: one that stalls (a generator that waits for answers before it sends on would miss most of the
waiting), one with a queue (M/D/1), and the null server, which answers at once (all that is late is the generator).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from bench.calibration import plain
from bench.calibration.lines import OFF, Line, at_most, beside, close
from bench.load.known import WARM_UP_S, Place, Setting, Steps, Told, schedule_of, send, send_to_null, serving
from bench.load.oracle import mean_wait_md1, responses
from bench.load.schedule import SECOND_NS, Schedule
from bench.session.experiment import Step
from bench.session.progress import follow
from bench.statistics.quantities import quantile

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
LAG_LIMITS_MS = {200.0: 1.0, 500.0: 2.5}  # for the 99th percentile; other rates must only not drop anything
SHARE, LEAST_S = 0.02, 0.003  # how far a percentile may be off
WAIT_SHARE = 0.1  # how far a mean wait may be off
TYPICAL_SHARE, MOST_SEEDS = 0.01, 1000
STALL = Setting(service_ms=2, stall_s=2, every_s=20)
QUEUE = Setting(service_ms=40)
START_S = 5.0  # what starting and ending server and generator takes, for the remaining time only


@dataclass(frozen=True)
class Size:
    """The servers, and at what rate and for how long each is under load."""

    stall: Setting = STALL
    stall_rate: float = 100.0
    stall_s: float = 40.0
    queue: Setting = QUEUE
    queue_used: Sequence[float] = (0.5, 0.7)  # of the server's time
    queue_s: float = 30.0
    null: Steps = ((200.0, 10.0), (500.0, 10.0), (2000.0, 5.0))


@dataclass(frozen=True)
class Trial:
    """One load against one server, and how long it takes."""

    text: str
    load_s: float
    run: Callable[[Place], list[Line]]


def trials(size: Size) -> list[Trial]:
    """Return what there is to do, in order."""
    return [
        Trial("stall server", size.stall_s, partial(stalls, size=size, processes=1)),
        Trial("stall server, two generator processes", size.stall_s, partial(stalls, size=size, processes=2)),
        Trial("stall server, stock Locust", size.stall_s, partial(stalls_by_stock_locust, size=size)),
        *(Trial(f"M/D/1 queue at {used:.0%}", size.queue_s, partial(queue, size=size, used=used))
          for used in size.queue_used),
        Trial("null server", sum(seconds for _, seconds in size.null), partial(null, steps=size.null)),
    ]  # fmt: skip


def calibrate(place: Place, todo: list[Trial]) -> list[Line]:
    """Run trials, each in a folder of its own, with progress. Raises GeneratorFailed or StackFailed."""
    lines: list[Line] = []

    def do(number: int, trial: Trial) -> None:
        own = Place(place.cores, place.folder / str(number))
        own.folder.mkdir(parents=True)
        lines.extend(trial.run(own))

    steps = [
        Step(trial.text, trial.load_s + WARM_UP_S + START_S, partial(do, number, trial))
        for number, trial in enumerate(todo, start=1)
    ]
    follow(steps)
    return lines


def tells_the_truth(lines: list[Line]) -> bool:
    """Whether nothing that is judged is off."""
    return all(line.verdict != OFF for line in lines)


def stalls(place: Place, size: Size, processes: int) -> list[Line]:
    """Compare the percentiles of responses with the truth, for the same arrivals."""
    with serving(size.stall, place.folder, place.cores.sut) as known:
        told = send(place, known, schedule_of("constant", [(size.stall_rate, size.stall_s)]), processes)
    name = "stall server" if processes == 1 else f"the same, {processes} processes"
    truth, reported = told.truth_s[told.rows()], told.response_s[told.rows()]
    return [
        close(name, percentile, quantile(truth, p), quantile(reported, p), share=SHARE, least_s=LEAST_S)
        for percentile, p in PERCENTILES.items()
    ]


def stalls_by_stock_locust(place: Place, size: Size) -> list[Line]:
    """Show what stock Locust says about such a server; the truth is that of evenly spaced requests at its rate."""
    with serving(size.stall, place.folder, place.cores.sut) as known:
        reported = plain.percentiles(known.url, size.stall_s, place.folder, place.cores.generator)
    truth = known.truth(np.arange(0, size.stall_s, 1 / plain.RATE_PER_S))
    return [
        beside("the same, stock Locust", percentile, "ms", quantile(truth, p) * 1000, reported[p])
        for percentile, p in PERCENTILES.items()
    ]


def queue(place: Place, size: Size, used: float) -> list[Line]:
    """Compare the mean wait in an M/D/1 queue with the formula, and with the truth for these very arrivals."""
    service_s = size.queue.service_s
    with serving(size.queue, place.folder, place.cores.sut) as known:
        told = send(place, known, typical(size, used))
    name, formula_s = f"M/D/1 queue at {used:.0%}", mean_wait_md1(used, service_s)
    truth, reported = (float(times[told.rows()].mean()) - service_s for times in (told.truth_s, told.response_s))
    return [
        close(name, "mean wait, by the formula", formula_s, reported, share=WAIT_SHARE, least_s=0),
        close(name, "mean wait, these arrivals", truth, reported, share=WAIT_SHARE, least_s=0),
    ]


def typical(size: Size, used: float) -> Schedule:
    """Draw Poisson arrivals whose mean wait, as the oracle knows before anything is sent, is near the formula's.

    The formula is about endless time; half a minute is off by a tenth and more by chance alone.
    """
    service_s = size.queue.service_s
    formula_s = mean_wait_md1(used, service_s)
    for seed in range(MOST_SEEDS):
        schedule = schedule_of("poisson", [(used / service_s, size.queue_s)], seed)
        waits = responses(schedule.offset_ns / SECOND_NS, service_s, []) - service_s
        if abs(float(waits[schedule.measured].mean()) / formula_s - 1) < TYPICAL_SHARE:
            return schedule
    raise ValueError(f"no typical arrivals in {MOST_SEEDS} draws of {size.queue_s:g} s")


def null(place: Place, steps: Steps) -> list[Line]:
    """Compare the dispatch lag with its limits, by rate."""
    told = send_to_null(place, steps)
    return [line for step, (rate, _) in enumerate(steps) for line in lags(told, step, rate)]


def lags(told: Told, step: int, rate: float) -> list[Line]:
    """Return the lines of one rate."""
    rows, name, late = told.rows(step), f"null server, {rate:,.0f}/s", "dispatch lag p99"
    p50, p99, limit = quantile(told.lag_ms[rows], 0.5), quantile(told.lag_ms[rows], 0.99), LAG_LIMITS_MS.get(rate)
    failed = float(np.count_nonzero(told.load.outcome[rows] != "ok"))
    return [
        beside(name, "dispatch lag p50", "ms", 0.0, p50),
        at_most(name, late, "ms", p99, limit) if limit else beside(name, late, "ms", 0.0, p99),
        at_most(name, "dropped or failed", "", failed, 0),
    ]
