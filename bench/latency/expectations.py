"""Thresholds as data: reads `expectations.toml`, and judges a run by what it says."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from bench import tomlfile
from bench.latency.ratios import compare
from bench.statistics.estimates import finite
from bench.statistics.quantities import RAW_LIMIT, Quantities, parse
from bench.statistics.verdicts import verdict_of
from bench.tomlfile import Real, Words, Written
from runfile import facts
from runfile.facts import Check, Expectation

OURS = Path(__file__).with_name("expectations.toml")


@dataclass(frozen=True)
class Side(Written):
    """One number of a run, such as the response_p50 of predictions of a variant."""

    variant: Words
    case: Words
    metric: Words

    @model_validator(mode="after")
    def _check(self) -> Self:
        parse(self.metric)
        return self


@dataclass(frozen=True)
class Expected(Written):
    """left compared with right must not exceed the limit."""

    title: Words
    left: Side
    right: Side
    compare: Literal["ratio", "difference"]
    limit: Real
    unit: str

    @property
    def fact(self) -> Expectation:
        """What run.json says of it, so that a run can be judged again."""
        left, right = (facts.Side(side.variant, side.case, side.metric) for side in (self.left, self.right))
        return Expectation(self.title, left, right, self.compare, self.limit, self.unit)


@dataclass(frozen=True)
class Expectations(Written):
    """What the file holds: [[check]] tables."""

    check: tuple[Expected, ...] = ()


def load(path: Path = OURS) -> tuple[Expectation, ...]:
    """Read the checks of a file. Raises UsageProblem, naming file and key."""
    return tuple(each.fact for each in tomlfile.load(path, Expectations).check)


def judge(
    expected: Collection[Expectation], found: Quantities, variants: Collection[str], *, verdicts: bool
) -> tuple[Check, ...]:
    """Judge all expectations whose variants are part of the run, at low load."""
    known = {*variants, RAW_LIMIT}
    own = [each for each in expected if {each.left.variant, each.right.variant} <= known]
    return tuple(_judge(each, found, verdicts=verdicts) for each in own)


def _judge(expected: Expectation, found: Quantities, *, verdicts: bool) -> Check:
    low = next(found.low(side.variant) for side in (expected.left, expected.right) if side.variant != RAW_LIMIT)
    left, right = ((side.variant, side.case, side.metric, low) for side in (expected.left, expected.right))
    estimate = compare(found, left, right, expected.compare)
    verdict, note = verdict_of(estimate, expected.limit, verdicts=verdicts)
    value, low_edge, high_edge = map(finite, (estimate.value, estimate.low, estimate.high))
    return Check(expected.title, value, low_edge, high_edge, expected.limit, expected.unit, estimate.n, verdict, note)
