"""Arrivals drawn ahead of time: when, which route, which photo. Pure numpy, seeded, the same for a block's variants.

An open loop: the schedule does not know how fast the answers come, so a slow variant cannot thin out its own load.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
SECOND_NS = 1_000_000_000
ARRIVALS = ("poisson", "constant")
WARM_UP = -1


@dataclass(frozen=True)
class Phase:
    """A stretch of time with steady rates (arrivals per second by case), then a pause in which nothing is sent.

    Phases with the same `draw` get the same arrivals and photos; without one, each has its own. `arrivals` names a
    process of their own.
    """

    seconds: float
    rates: Mapping[str, float]
    pause_s: float = 0.0
    draw: int | None = None
    arrivals: str = ""


@dataclass(frozen=True)
class Schedule:
    """One row per request, in order of time. Offsets count from the window's start; the warm-up's are negative."""

    cases: tuple[str, ...]
    offset_ns: Int64s
    case: Int64s  # index into cases
    photo: Int64s  # index into the catalogue
    step: Int64s  # which phase of the window, from 0; the warm-up is -1

    def __len__(self) -> int:
        return len(self.offset_ns)

    @property
    def measured(self) -> npt.NDArray[np.bool_]:
        """Which rows belong to the window; the others only warm the stack up."""
        return np.not_equal(self.step, WARM_UP)

    def share(self, index: int, of: int) -> "Schedule":
        """Return every `of`-th row from `index` on: what one of several generator processes sends."""
        part = slice(index, None, of)
        return Schedule(self.cases, self.offset_ns[part], self.case[part], self.photo[part], self.step[part])

    def most_in_flight(self, deadline_s: float) -> int:
        """Return how many requests can be in flight at most when each ends, answered or not, by its deadline."""
        opened = np.searchsorted(self.offset_ns, self.offset_ns - round(deadline_s * SECOND_NS))
        return int((np.arange(len(self)) - opened + 1).max(initial=0))


def poisson(rate_per_s: float, seconds: float, rng: np.random.Generator) -> Int64s:
    """Draw a Poisson process conditioned on its count: n sorted uniforms in [0, seconds).

    Fixing n removes the noise of the rate itself between trials; given n, the arrival times of a Poisson process are
    distributed as the order statistics of n uniforms.
    """
    count = count_of(rate_per_s, seconds, rng)
    return np.sort(rng.integers(0, round(seconds * SECOND_NS), size=count, dtype=np.int64))


def constant(rate_per_s: float, seconds: float, rng: np.random.Generator) -> Int64s:
    """Draw equally spaced arrivals in [0, seconds), at a random phase, so that cases do not always coincide."""
    count = count_of(rate_per_s, seconds, rng)
    gap = seconds * SECOND_NS / max(count, 1)
    offsets: Int64s = np.floor((np.arange(count) + rng.uniform()) * gap).astype(np.int64)
    return offsets


def count_of(rate_per_s: float, seconds: float, rng: np.random.Generator) -> int:
    """Return rate * seconds as a whole number, the rest by chance: a rare case occurs in short turns, too."""
    whole, rest = divmod(round(rate_per_s * seconds, 6), 1)
    return int(whole) + int(rng.uniform() < rest)


PROCESSES = {"poisson": poisson, "constant": constant}


def photos(count: int, catalogue: int, rng: np.random.Generator) -> Int64s:
    """Draw photo indices so that every photo is asked for equally often, give or take one, in random order."""
    rounds = -(-count // catalogue)
    every = np.tile(np.arange(catalogue, dtype=np.int64), (rounds, 1))
    return rng.permuted(every, axis=1).ravel()[:count]


def draw(
    warm_up: Phase, steps: Sequence[Phase], catalogue: int, *, arrivals: str = "poisson", seed: tuple[int, ...]
) -> Schedule:
    """Draw a staircase: the warm-up before the window, then the steps, each case with arrivals of its own.

    Every step has a seed of its own, so two ladders that begin with the same steps begin with the same arrivals.
    """
    cases = tuple(dict.fromkeys(case for phase in (warm_up, *steps) for case in phase.rates))
    starts = [-warm_up.seconds, *accumulate((step.seconds + step.pause_s for step in steps), initial=0.0)]
    parts = [np.empty((4, 0), dtype=np.int64)]
    for step, (phase, start) in enumerate(zip((warm_up, *steps), starts, strict=False), start=WARM_UP):
        for case, rate in phase.rates.items():
            drawn = step + 1 if phase.draw is None else phase.draw
            rng = np.random.default_rng((*seed, drawn, cases.index(case)))
            offset = PROCESSES[phase.arrivals or arrivals](rate, phase.seconds, rng) + round(start * SECOND_NS)
            fixed = np.full(len(offset), cases.index(case)), np.full(len(offset), step)
            parts.append(np.stack([offset, fixed[0], photos(len(offset), catalogue, rng), fixed[1]]))
    rows = np.concatenate(parts, axis=1)
    offset, case_of, photo, step_of = rows[:, np.argsort(rows[0], kind="stable")]
    return Schedule(cases, offset, case_of, photo, step_of)


def order_of_block(arms: int, block: int, seed: int) -> list[int]:
    """Return who goes when in a block: rotations of a seeded order, each followed by its reverse.

    After 2 * arms blocks everybody has stood in every place equally often (for three arms: all six orders), so that
    what the machine does in the course of a block favours nobody.
    """
    base = [int(place) for place in np.random.default_rng((seed, arms)).permutation(arms)]
    turn = (block // 2) % arms
    rotated = base[turn:] + base[:turn]
    return rotated[::-1] if block % 2 else rotated
