"""What a generator is told. As JSON from the harness, as a message between processes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import numpy as np

from bench.load.schedule import WARM_UP, Int64s, Schedule

if TYPE_CHECKING:
    from bench.load.answers import Verdict
    from bench.load.client import Answer

COLUMNS = ("offset_ns", "case", "photo", "step")  # of the schedule
PLAIN = ("hosts", "targets", "deadline_s", "judge", "judge_of")  # what is JSON already
PRODUCT = "bench.load.product:judge"


class Post(TypedDict):
    """What is sent along with a POST; the body in base64, since plans are JSON."""

    headers: Mapping[str, str]
    body: str


class Target(TypedDict):
    """A photo to ask for: its id, the id as part of a path, and by model version the labels that are right, if known.

    Where there is a `post`, that is sent, and `path` is the whole path.
    """

    id: str
    path: str
    labels: NotRequired[Mapping[str, Sequence[str]]]
    post: NotRequired[Post]


@dataclass(frozen=True)
class Turn:
    """Whom a step asks, as an index into the plan's hosts; `delay_ms` sends it so much too late on purpose."""

    host: int = 0
    delay_ms: float = 0.0


def begun(plan: Path) -> Path:
    """Return the file that tells when the window of a plan's file starts: nanoseconds of the monotonic clock."""
    return plan.with_name(plan.name + ".begun")


Judge = Callable[[str, "Answer", Target], "Verdict"]  # of case, answer and what was asked for


@dataclass(frozen=True)
class Plan:
    """What to send, and until when an answer counts: so many seconds from a request's intended time.

    `turns` has an entry for each step; without any, all goes to the first host. `judge` names the function that makes
    the judge of the answers from `judge_of`: `module:function`.
    """

    hosts: Sequence[str]
    schedule: Schedule
    targets: Sequence[Target]
    deadline_s: float
    turns: Sequence[Turn] = ()
    judge: str = PRODUCT
    judge_of: str = ""

    def turn(self, step: int) -> Turn:
        """Return whom a step asks; the warm-up is part of the first."""
        return self.turns[max(0, step)] if self.turns else Turn()

    def share(self, index: int, of: int) -> "Plan":
        """Return the part of one of several processes."""
        return replace(self, schedule=self.schedule.share(index, of))

    def check(self) -> None:
        """Raise ValueError where the parts do not belong together: found while sending, it would be too late."""
        schedule, hosts = self.schedule, np.array([turn.host for turn in self.turns] or [0])
        indices: list[tuple[Int64s, Sequence[object]]] = [
            (schedule.case, schedule.cases),
            (schedule.photo, self.targets),
            (hosts, self.hosts),
        ]
        if self.turns:
            indices.append((schedule.step - WARM_UP, (WARM_UP, *self.turns)))
        if not all(index.min(initial=0) >= 0 and index.max(initial=-1) < len(of) for index, of in indices):
            raise ValueError("a case, a photo, a step or a host is asked for that it does not name")
        if len({len(getattr(schedule, name)) for name in COLUMNS}) > 1 or not 0 < self.deadline_s < float("inf"):
            raise ValueError("its columns differ in length, or its deadline is none")

    def facts(self) -> dict[str, Any]:
        """Return this as plain lists and texts."""
        columns = {name: getattr(self.schedule, name).tolist() for name in COLUMNS}
        plain = {key: getattr(self, key) for key in PLAIN}
        return {**plain, **columns, "cases": self.schedule.cases, "turns": [astuple(turn) for turn in self.turns]}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Plan":
        """Read what `facts` returned."""
        schedule = Schedule(tuple(facts["cases"]), *(np.array(facts[name], dtype=np.int64) for name in COLUMNS))
        turns = [Turn(*turn) for turn in facts["turns"]]
        return cls(schedule=schedule, turns=turns, **{key: facts[key] for key in PLAIN})
