"""What a generator is told. As JSON from the harness, as a message between processes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NotRequired, TypedDict

import numpy as np

from bench.load.schedule import Schedule

COLUMNS = ("offset_ns", "case", "photo", "step")


class Target(TypedDict):
    """A photo to ask for: its id, the id as part of a path, and the labels that are right (none: any will do)."""

    id: str
    path: str
    labels: NotRequired[Sequence[str]]


@dataclass(frozen=True)
class Plan:
    """What to send, and until when an answer counts: so many seconds from a request's intended time.

    `delay_ms` sends everything so much too late on purpose: a positive control, which the analysis must find.
    """

    host: str
    schedule: Schedule
    targets: Sequence[Target]
    deadline_s: float
    delay_ms: float = 0.0

    def share(self, index: int, of: int) -> "Plan":
        """Return the part of one of several processes."""
        return replace(self, schedule=self.schedule.share(index, of))

    def facts(self) -> dict[str, Any]:
        """Return this as plain lists and texts."""
        columns = {name: getattr(self.schedule, name).tolist() for name in COLUMNS}
        targets = [dict(target) for target in self.targets]
        rest = {"host": self.host, "deadline_s": self.deadline_s, "delay_ms": self.delay_ms}
        return {"cases": list(self.schedule.cases), **columns, "targets": targets, **rest}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Plan":
        """Read what `facts` returned."""
        columns = [np.array(facts[name], dtype=np.int64) for name in COLUMNS]
        schedule = Schedule(tuple(facts["cases"]), *columns)
        return cls(facts["host"], schedule, facts["targets"], facts["deadline_s"], facts["delay_ms"])
