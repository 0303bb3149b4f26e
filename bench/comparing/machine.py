"""How much the machine itself moved between the two runs, and so how much of any effect may be the machine's. Pure.

The canary is the same work in every run. The bare model is also the machine, as long as the software that it runs on is
the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.comparing.side import Side, different
from bench.comparing.welch import NOTHING, Band, effect, from_intervals, mean
from bench.statistics.estimates import Estimate

SOFTWARE = ("version: onnxruntime", "version: onnxruntime-gpu", "version: numpy", "version: pillow", "machine: python")


@dataclass(frozen=True)
class Movement:
    """One measure of the machine, milliseconds in both runs; `counts`: whether nothing but the machine can move it."""

    what: str
    base: float | None
    new: float | None
    ratio: Estimate
    counts: bool = True


def movements(base: Side, new: Side) -> list[Movement]:
    """Return how the canary and the bare model moved; what a run did not measure is left out."""
    moved = effect(base.canary_ms.values(), new.canary_ms.values())
    was_ms, now_ms = (mean(side.canary_ms.values()).value for side in (base, new))
    canary = Movement("canary", was_ms, now_ms, moved.ratio if moved else NOTHING)
    same = not any(name in SOFTWARE or name.startswith("model of ") for name in different(base, new))
    return [canary] + [
        Movement(name, was.value, now.value, from_intervals(was, now), counts=same)
        for name, was in base.bare_ms.items()
        if was.value is not None and (now := new.bare_ms.get(name, NOTHING)).value is not None
    ]


def band(moved: Sequence[Movement]) -> Band | None:
    """Return what the machine alone may have done to a time, as logarithms around 0; None where nobody knows.

    From the ends of the intervals, so that doubt about the machine never becomes an effect of a variant.
    """
    edges = [(each.ratio.low, each.ratio.high) for each in moved if each.counts]
    known = [(np.log(low), np.log(high)) for low, high in edges if low and high and np.isfinite([low, high]).all()]
    if not known:
        return None
    return float(min(0.0, *(low for low, _ in known))), float(max(0.0, *(high for _, high in known)))


def amplification(load: float) -> float:
    """Return how many per cent a response changes when the service time changes by one, at a share of capacity.

    Below capacity that of the M/M/1 queue, whose response time is s / (1 - load); an M/D/1 queue amplifies less. Above
    it, that of the time until the queue is as long as the objective allows. At capacity there is no limit.
    """
    return max(1.0, load) / abs(1 - load) if load != 1 else float("inf")
