"""The promises as data: reads `promises.toml` and judges what a run found by them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import tomlfile
from bench.peers.results import BARE, NOTHING, Numbers
from bench.statistics import estimates
from bench.statistics.estimates import Estimate
from bench.statistics.verdicts import verdict_of
from bench.tomlfile import Written
from runfile.facts import Check, Judgement, Promise

OURS = Path(__file__).with_name("promises.toml")


@dataclass(frozen=True)
class Entry(Promise, Written):
    """One promise as it is written."""


@dataclass(frozen=True)
class Promises(Written):
    """What the file holds: [[promise]] tables."""

    promise: tuple[Entry, ...] = ()


def load(path: Path = OURS) -> tuple[Promise, ...]:
    """Read the promises of a file. Raises UsageProblem, naming file and key."""
    return tuple(Promise(**vars(each)) for each in tomlfile.load(path, Promises).promise)


def judge(promises: Sequence[Promise], found: Numbers, asked: Sequence[str], *, verdicts: bool) -> tuple[Check, ...]:
    """Judge the promises of everybody who was asked for, whether or not there is a number."""
    own = [each for each in promises if each.variant in {*asked, BARE}]
    return tuple(_judge(each, found, asked, verdicts=verdicts) for each in own)


def _judge(promise: Promise, found: Numbers, asked: Sequence[str], *, verdicts: bool) -> Check:
    estimate, note, limit, missing = found.estimate(key(promise)), "", promise.limit, list[str]()
    if promise.of:
        estimate, note, limit = against_best(promise, found, asked)
        missing = [name for name in asked if found.estimate(key(promise, name)).value is None]
    verdict, why = side(estimate, limit, promise.bound, verdicts=verdicts)
    if missing:  # any of them could have been the best
        verdict, why = "withheld", f"there is no such number of {', '.join(missing)}"
    edges = (estimate.value, estimate.low, estimate.high)
    value, low, high = (each if each is not None and math.isfinite(each) else None for each in edges)
    note = "; ".join(each for each in (note, why) if each)
    n, unit, bound = estimate.n, promise.unit, promise.bound
    return Check(promise.title, value, low, high, limit, unit, n, verdict, note, bound)


def key(promise: Promise, variant: str = "") -> tuple[str, str, str]:
    """Return where the number of a promise is found, or the same number of another variant."""
    return (variant or promise.variant, promise.case, promise.metric)


def against_best(promise: Promise, found: Numbers, asked: Sequence[str]) -> tuple[Estimate, str, float]:
    """Return own - limit * best as an estimate paired by block, in words what was compared, and the limit for that: 0.

    A difference and not a ratio, since a cost near nothing can come out below it. Who is best is chosen by what was
    measured, which makes the best look better than it is: the error is not in our favour.
    """
    known = {name: value for name in asked if (value := found.estimate(key(promise, name)).value) is not None}
    mean = known.pop(promise.variant, None)
    if not known or mean is None:
        return NOTHING, "", 0.0
    best = min(known, key=known.__getitem__)
    own, other = found.blocks[key(promise)], found.blocks[key(promise, best)]
    blocks = sorted(own.keys() & other.keys())
    estimate = estimates.paired_difference([own[b] for b in blocks], [promise.limit * other[b] for b in blocks])
    note = (
        f"shown is {promise.variant} - {promise.limit:g} x {best}; {promise.variant} has {mean:.3g} {promise.unit}, "
        f"the best peer {best} {known[best]:.3g} {promise.unit}"
    )
    return estimate, note, 0.0


def side(estimate: Estimate, limit: float, bound: str, *, verdicts: bool) -> tuple[Judgement, str]:
    """Return the verdict and why."""
    if estimate.value is None:
        return "withheld", "not measured, or by too few requests"
    if bound == "at most":
        return verdict_of(estimate, limit, verdicts=verdicts)
    low, high = (None if edge is None else -edge for edge in (estimate.high, estimate.low))
    verdict, why = verdict_of(Estimate(-estimate.value, low, high, estimate.n), -limit, verdicts=verdicts)
    return verdict, why.replace("above the limit", "below the limit")
