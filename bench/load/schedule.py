"""Arrivals drawn ahead of time: when, which route, which photo. Pure numpy, seeded, the same for a block's variants.

An open loop: the schedule does not know how fast the answers come, so a slow variant cannot thin out its own load.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
SECOND_NS = 1_000_000_000
ARRIVALS = ("poisson", "constant")


@dataclass(frozen=True)
class Schedule:
    """One row per request, in order of time. Offsets count from the window's start; the warm-up's are negative."""

    cases: tuple[str, ...]
    offset_ns: Int64s
    case: Int64s  # index into cases
    photo: Int64s  # index into the catalogue

    def __len__(self) -> int:
        return len(self.offset_ns)

    @property
    def measured(self) -> npt.NDArray[np.bool_]:
        """Which rows belong to the window; the others only warm the stack up."""
        return self.offset_ns >= 0


def poisson(rate_per_s: float, seconds: float, rng: np.random.Generator) -> Int64s:
    """Draw a Poisson process conditioned on its count n = round(rate * seconds): n sorted uniforms in [0, seconds).

    Fixing n removes the noise of the rate itself between trials; given n, the arrival times of a Poisson process are
    distributed as the order statistics of n uniforms.
    """
    count = round(rate_per_s * seconds)
    return np.sort(rng.integers(0, round(seconds * SECOND_NS), size=count, dtype=np.int64))


def constant(rate_per_s: float, seconds: float, rng: np.random.Generator) -> Int64s:
    """Draw n = round(rate * seconds) equally spaced arrivals in [0, seconds), at a random phase.

    The phase keeps the cases of a schedule from always arriving in the same moment.
    """
    count = round(rate_per_s * seconds)
    gap = seconds * SECOND_NS / max(count, 1)
    offsets: Int64s = np.floor((np.arange(count) + rng.uniform()) * gap).astype(np.int64)
    return offsets


def photos(count: int, catalogue: int, rng: np.random.Generator) -> Int64s:
    """Draw photo indices so that every photo is asked for equally often, give or take one, in random order."""
    rounds = -(-count // catalogue)
    every = np.tile(np.arange(catalogue, dtype=np.int64), (rounds, 1))
    shuffled: Int64s = rng.permuted(every, axis=1)
    return shuffled.ravel()[:count]


def draw(
    rates: Mapping[str, float],
    warmup_s: float,
    window_s: float,
    catalogue: int,
    *,
    arrivals: str,
    seed: tuple[int, ...],
) -> Schedule:
    """Draw the schedule of one block: for each case its own arrivals at its own rate, merged in order of time."""
    rng = np.random.default_rng(seed)
    process = {"poisson": poisson, "constant": constant}[arrivals]
    offsets, cases, shown = [], [], []
    for index, rate in enumerate(rates.values()):
        warm = process(rate, warmup_s, rng) - round(warmup_s * SECOND_NS)
        window = process(rate, window_s, rng)
        offsets.append(np.concatenate([warm, window]))
        cases.append(np.full(len(offsets[-1]), index, dtype=np.int64))
        shown.append(np.concatenate([photos(len(part), catalogue, rng) for part in (warm, window)]))
    offset = np.concatenate(offsets)
    order = np.argsort(offset, kind="stable")
    return Schedule(tuple(rates), offset[order], np.concatenate(cases)[order], np.concatenate(shown)[order])


def order_of_block(variants: int, block: int, seed: int) -> list[int]:
    """Return who goes when in a block: rotations of a seeded order, each followed by its reverse.

    After 2 * variants blocks everybody has stood in every place equally often (for three variants: all six orders), so
    that what the machine does in the course of a block favours nobody.
    """
    base = [int(place) for place in np.random.default_rng((seed, variants)).permutation(variants)]
    turn = (block // 2) % variants
    rotated = base[turn:] + base[:turn]
    return rotated[::-1] if block % 2 else rotated
