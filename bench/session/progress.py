"""What is going on and how much longer: a bar on a terminal, plain lines elsewhere; on standard error."""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

from bench.machine.cores import give_way
from bench.session.experiment import Step
from bench.terminal import plain, say

REDRAW_S = 1.0


@dataclass
class Plan:
    """The steps of a run in order; the remaining time is what is planned for those that are not over."""

    steps: Sequence[Step]
    current: int = -1
    began: float = field(default_factory=time.monotonic)

    def next(self) -> Step:
        """Go to the next step."""
        self.current += 1
        self.began = time.monotonic()
        return self.steps[self.current]

    @property
    def total_s(self) -> float:
        """The planned time of everything."""
        return sum(step.seconds for step in self.steps)

    def remaining_s(self) -> float:
        """Return the planned time that is left; a step that takes longer than planned counts as about to end."""
        elapsed = time.monotonic() - self.began
        current = self.steps[self.current].seconds if self.current >= 0 else 0.0
        return sum(step.seconds for step in self.steps[self.current + 1 :]) + max(0.0, current - elapsed)


class Lines:
    """Progress as plain lines."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def step(self) -> None:
        """Say what begins."""
        step = self.plan.next()
        self.say(f"{step.text} ({clock(self.plan.remaining_s())} left)")

    def say(self, text: str) -> None:
        """Print a line."""
        say(text, err=True)


class Bar(Lines):
    """Progress as a bar that counts down. Drawing takes milliseconds on the load generator's core, so it gives way."""

    def __init__(self, plan: Plan) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        super().__init__(plan)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[left]} left"),
        )
        self.bar = Progress(*columns, console=Console(stderr=True), auto_refresh=False, transient=True)
        self.over = threading.Event()
        self.drawing = threading.Thread(target=self._draw, name="progress", daemon=True)
        self.task = self.bar.add_task("", total=plan.total_s, left="")

    def __enter__(self) -> Self:
        self.bar.start()
        self.drawing.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.drawing.join()
        self.bar.stop()

    def _draw(self) -> None:
        give_way()
        while not self.over.wait(REDRAW_S):
            left = self.plan.remaining_s()
            self.bar.update(self.task, completed=self.plan.total_s - left, left=clock(left), refresh=True)

    def step(self) -> None:
        """Say what begins."""
        self.bar.update(self.task, description=plain(self.plan.next().text))

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self.bar.console.print(plain(text), markup=False, highlight=False)


def clock(seconds: float) -> str:
    """Return a duration for people, e.g. `about 1 min 20 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"about {minutes} min {rest:02d} s" if minutes else f"about {rest} s"


def follow(steps: Sequence[Step], hand_over: Callable[[Callable[[str], None]], object] | None = None) -> None:
    """Do one step after the other, with a bar on a terminal, lines elsewhere; hand over who prints lines meanwhile."""
    with (Bar if sys.stderr.isatty() else Lines)(Plan(steps)) as show:
        if hand_over is not None:
            hand_over(show.say)
        for step in steps:
            show.step()
            step.do()
