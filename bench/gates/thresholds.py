"""Thresholds of the gates as data: reads `thresholds.toml`, and judges a value by one of its tables."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from bench import tomlfile
from bench.statistics.estimates import finite
from bench.tomlfile import Count, Words, Written
from runfile.facts import Gate, Verdict

OURS = Path(__file__).with_name("thresholds.toml")
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class Threshold(Written):
    """Up to `passes` is good, above `fails` not valid, between a warning; `extra` holds what one gate has more."""

    title: Words
    unit: Words
    passes: Annotated[NotNegative, Field(alias="pass")]
    fails: Annotated[float, Field(alias="fail", ge=0)]  # may be infinite, and is then never reached
    advice: Words
    extra: Mapping[str, NotNegative] = field(default_factory=dict)
    gate: str = ""

    def __post_init__(self) -> None:
        if self.fails < self.passes:
            raise ValueError("fail must not be below pass")

    def verdict(self, value: float | None) -> Verdict:
        """Return what a value is worth; nothing measured is not judged."""
        if value is None or math.isnan(value):
            return "not judged"
        if value <= self.passes:
            return "pass"
        return "warn" if value <= self.fails else "fail"

    def judge(self, variant: str, value: float | None, note: str = "", verdict: Verdict | None = None) -> Gate:
        """Return the gate as it was found; one with more to consider than the value gives its own verdict."""
        return Gate(
            gate=self.gate,
            title=self.title,
            variant=variant,
            value=finite(value),
            limit=self.passes,
            fail_above=finite(self.fails),
            unit=self.unit,
            verdict=verdict or self.verdict(value),
            note=note,
            advice=self.advice,
        )


@dataclass(frozen=True)
class Thresholds(Written):
    """The thresholds of all gates by their names, and the version of their file."""

    version: Count
    gates: Mapping[str, Threshold]

    def __getitem__(self, gate: str) -> Threshold:
        return self.gates[gate]


def load(path: Path = OURS) -> Thresholds:
    """Read the thresholds of a file. Raises UsageProblem, naming file and key."""
    found = tomlfile.load(path, Thresholds)
    return replace(found, gates={gate: replace(limit, gate=gate) for gate, limit in found.gates.items()})
