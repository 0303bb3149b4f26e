"""The calibration: the real load generator against servers with known answers, truth beside reported.

Three kinds of servers: one that stalls (a generator that waits for answers before it sends on would miss most of the
waiting), one with a queue (M/D/1), and the null server, which answers at once (all that is late is the generator).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bench.calibration.lines import OFF, Line
from bench.calibration.trials import WARM_UP_S, Place, Size, null, queue, stalls, stalls_by_stock_locust
from bench.session.progress import Plan, Step, progress

START_S = 5.0  # what starting and ending server and generator takes, for the remaining time only


@dataclass(frozen=True)
class Trial:
    """One load against one server, and how long it takes."""

    text: str
    load_s: float
    run: Callable[[Place], list[Line]]

    @property
    def step(self) -> Step:
        """Return it as a step of the plan."""
        return Step(self.text, self.load_s + WARM_UP_S + START_S)


def trials(size: Size) -> list[Trial]:
    """Return what there is to do, in order."""
    queues = [
        Trial(f"M/D/1 queue at {used:.0%}", size.queue_s, partial(queue, size=size, used=used))
        for used in size.queue_used
    ]
    return [
        Trial("stall server", size.stall_s, partial(stalls, size=size, processes=1)),
        Trial("stall server, two generator processes", size.stall_s, partial(stalls, size=size, processes=2)),
        Trial("stall server, stock Locust", size.stall_s, partial(stalls_by_stock_locust, size=size)),
        *queues,
        Trial("null server", sum(seconds for _, seconds in size.null), partial(null, steps=size.null)),
    ]


def calibrate(place: Place, todo: list[Trial]) -> list[Line]:
    """Run trials, with progress. Raises GeneratorFailed or StackFailed."""
    lines: list[Line] = []
    with progress(Plan([trial.step for trial in todo])) as show:
        for number, trial in enumerate(todo, start=1):
            show.step()
            folder = place.folder / str(number)
            folder.mkdir(parents=True)
            lines += trial.run(Place(place.cores, folder))
    return lines


def tells_the_truth(lines: list[Line]) -> bool:
    """Whether nothing that is judged is off."""
    return all(line.verdict != OFF for line in lines)
