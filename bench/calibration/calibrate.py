"""The calibration: the real load generator against servers with known answers, truth beside reported.

Three kinds of servers: one that stalls (a generator that waits for answers before it sends on would miss most of the
waiting), one with a queue (M/D/1), and the null server, which answers at once (all that is late is the generator).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bench.calibration.lines import OFF, Line
from bench.calibration.trials import Size, null, queue, stalls, stalls_by_stock_locust
from bench.load.known import WARM_UP_S, Place
from bench.session.experiment import Step
from bench.session.progress import Plan, progress

START_S = 5.0  # what starting and ending server and generator takes, for the remaining time only


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
    with progress(Plan(steps)) as show:
        for step in steps:
            show.step()
            step.do()
    return lines


def tells_the_truth(lines: list[Line]) -> bool:
    """Whether nothing that is judged is off."""
    return all(line.verdict != OFF for line in lines)
