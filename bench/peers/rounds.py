"""A round: slices of a server between two of the bare loop. What a server is worth is known within a round only."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.peers.slices import Slice

NO_OP, MODEL = "no-op", "efficientnet-lite"
ALONE, CROWD = 1, 8
CLIENTS = {NO_OP: (CROWD,), MODEL: (ALONE, CROWD)}


@dataclass(frozen=True)
class Round:
    """Slices of a server between two of the bare loop, whose milliseconds per photo are `before_ms` and `after_ms`."""

    before_ms: float
    slices: Sequence[Slice]
    after_ms: float

    @property
    def bare_ms(self) -> float:
        """Milliseconds per photo of the bare loop at about the time of the slices."""
        return (self.before_ms + self.after_ms) / 2

    def rate_per_s(self, clients: int) -> float:
        """Right answers per second of the slice with so many clients."""
        (own,) = [each for each in self.slices if each.clients == clients]
        return own.rate_per_s

    def record(self) -> dict[str, object]:
        """Return this for run.json."""
        slices = [each.record() for each in self.slices]
        return {"before_ms": self.before_ms, "slices": slices, "after_ms": self.after_ms}


def median_rate(rounds: Sequence[Round], clients: int = CROWD) -> float:
    """Return right answers per second: the median over rounds, since a pause of the machine hits single slices."""
    return median(each.rate_per_s(clients) for each in rounds)
