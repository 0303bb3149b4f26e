"""What a run compared: arms, noise floor, ratios, capacity, crossover. Part of `run.json`, read for `record.py`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.fields import Fields


@dataclass(frozen=True)
class Arm:
    """An architecture measured once more, as it is (A/A) or with a known change (control). It is no architecture."""

    name: str
    of: str
    kind: str


@dataclass(frozen=True)
class Floor:
    """How far two measurements of the same architecture differ in one metric: their ratio over n blocks.

    `half_width` is relative to 1; no smaller effect may be claimed.
    """

    metric: str
    value: float | None
    low: float | None
    high: float | None
    half_width: float
    n: int


@dataclass(frozen=True)
class Ratio:
    """left / right in one metric at one offered rate (predictions per second), paired over n blocks."""

    left: str
    right: str
    case: str
    metric: str
    offered: float | None
    value: float | None
    low: float | None
    high: float | None
    n: int
    claim: bool


@dataclass(frozen=True)
class Point:
    """One offered rate (predictions per second) held against the SLO: `over` of n were too slow or failed."""

    rate: float | None
    n: float | None
    n_eff: float | None
    over: float | None
    verdict: str


@dataclass(frozen=True)
class Capacity:
    """The bracket of offered rates (predictions per second) in which an architecture stops to meet its SLO.

    SLO: at most `share` of the predictions slower than `slo_ms`. `error` bounds the probability that the bracket is
    wrong. `low` is None where no rate passed, `high` where none failed.
    """

    variant: str
    low: float | None
    high: float | None
    error: float | None
    slo_ms: float | None
    share: float | None
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Crossover:
    """The offered rates between which the order of two architectures changes, and what the run says of it."""

    left: str
    right: str
    metric: str
    low: float | None
    high: float | None
    words: str


def arm(fields: Fields) -> Arm:
    """Read one arm."""
    return Arm(fields.text("name"), fields.text("of"), fields.text("kind"))


def floors(fields: Fields) -> tuple[Floor, ...] | None:
    """Read the noise floors of run.json: () where no arm was there to measure one, None where the run knows of none."""
    if fields.values.get("noise_floor") is None:
        return None
    found = (_floor(each) for each in fields.records("noise_floor"))
    return tuple(each for each in found if each is not None)


def _floor(fields: Fields) -> Floor | None:
    """Read one noise floor; one without a finite width bounds nothing."""
    width = fields.number("half_width")
    if width is None or not math.isfinite(width):
        return None
    value, low, high = (fields.number(key) for key in ("value", "low", "high"))
    return Floor(fields.text("metric"), value, low, high, width, fields.count("n"))


def ratio(fields: Fields) -> Ratio:
    """Read one ratio."""
    left, right, case, metric = (fields.text(key) for key in ("left", "right", "case", "metric"))
    offered, value, low, high = (fields.number(key) for key in ("offered_per_s", "value", "low", "high"))
    return Ratio(left, right, case, metric, offered, value, low, high, fields.count("n"), fields.flag("claim") is True)


def capacity(fields: Fields) -> Capacity:
    """Read one bracket with its points."""
    low, high, error, slo, share = (fields.number(key) for key in ("low", "high", "error", "slo_ms", "share"))
    points = tuple(_point(each) for each in fields.records("points"))
    return Capacity(fields.text("variant"), low, high, error, slo, share, points)


def _point(fields: Fields) -> Point:
    rate, n, n_eff, over = (fields.number(key) for key in ("rate_per_s", "n", "n_eff", "over"))
    return Point(rate, n, n_eff, over, fields.text("verdict") or "undecided")


def crossover(fields: Fields) -> Crossover | None:
    """Read the crossover; None where the run names none."""
    if not fields.values:
        return None
    left, right, metric, words = (fields.text(key) for key in ("left", "right", "metric", "words"))
    return Crossover(left, right, metric, fields.number("low"), fields.number("high"), words)
