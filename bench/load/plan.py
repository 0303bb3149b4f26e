"""What a generator is told. As JSON from the harness, as a message between processes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NotRequired, TypedDict

import numpy as np

from bench.load.schedule import Schedule

COLUMNS = ("offset_ns", "case", "photo", "step")


class Post(TypedDict):
    """What is sent along with a POST; the body in base64, since plans are JSON."""

    headers: Mapping[str, str]
    body: str


class Target(TypedDict):
    """A photo to ask for: its id, the id as part of a path, and the labels that are right (none: any will do).

    Where there is a `post`, that is sent, and `path` is the whole path.
    """

    id: str
    path: str
    labels: NotRequired[Sequence[str]]
    post: NotRequired[Post]


@dataclass(frozen=True)
class Plan:
    """What to send, and until when an answer counts: so many seconds from a request's intended time.

    `delay_ms` sends everything so much too late on purpose: a positive control, which the analysis must find.
    `peer` names the folder of `bench.peers` whose answers these will be; without it they are the product's.
    """

    host: str
    schedule: Schedule
    targets: Sequence[Target]
    deadline_s: float
    delay_ms: float = 0.0
    peer: str = ""

    def share(self, index: int, of: int) -> "Plan":
        """Return the part of one of several processes."""
        return replace(self, schedule=self.schedule.share(index, of))

    def facts(self) -> dict[str, Any]:
        """Return this as plain lists and texts."""
        columns = {name: getattr(self.schedule, name).tolist() for name in COLUMNS}
        targets = [dict(target) for target in self.targets]
        rest = {"host": self.host, "deadline_s": self.deadline_s, "delay_ms": self.delay_ms, "peer": self.peer}
        return {"cases": list(self.schedule.cases), **columns, "targets": targets, **rest}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Plan":
        """Read what `facts` returned."""
        columns = [np.array(facts[name], dtype=np.int64) for name in COLUMNS]
        schedule = Schedule(tuple(facts["cases"]), *columns)
        rest = {key: facts[key] for key in ("deadline_s", "delay_ms", "peer")}
        return cls(facts["host"], schedule, facts["targets"], **rest)
