"""Thresholds of the gates as data: reads `thresholds.toml`, and judges a value by one of its tables."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bench.exits import UsageProblem
from bench.tomlfile import read_toml

OURS = Path(__file__).with_name("thresholds.toml")
TEXTS, NUMBERS = ("title", "unit", "advice"), ("pass", "fail")
GATES: dict[str, tuple[str, ...]] = {  # with the numbers that a table holds beside pass and fail
    "G1": ("pass_share", "fail_share"),
    **dict.fromkeys(("G2", "G3", "G4", "G5-lag", "G5-service", "G6-steal", "G6-throttled", "G6-foreign"), ()),
    "G6-canary": ("repeat",),
    **dict.fromkeys(("G7", "G8", "G9", "G10", "A1"), ()),
    "A1-width": ("pass_p95", "pass_p99"),
    **dict.fromkeys(("A2", "A3", "cores"), ()),
}

Gate = dict[str, object]
Verdict = Literal["pass", "warn", "fail", "not judged"]


@dataclass(frozen=True)
class Threshold:
    """Up to `passes` is good, above `fails` not valid, between a warning; `extra` holds what one gate has more."""

    gate: str
    title: str
    unit: str
    advice: str
    passes: float
    fails: float
    extra: Mapping[str, float] = field(default_factory=dict)

    def verdict(self, value: float | None) -> Verdict:
        """Return what a value is worth; nothing measured is not judged."""
        if value is None or math.isnan(value):
            return "not judged"
        if value <= self.passes:
            return "pass"
        return "warn" if value <= self.fails else "fail"

    def judge(self, variant: str, value: float | None, note: str = "", verdict: Verdict | None = None) -> Gate:
        """Return the entry of run.json; a gate with more to consider than the value gives its own verdict."""
        verdict = verdict or self.verdict(value)
        return {
            "gate": self.gate,
            "title": self.title,
            "variant": variant,
            "value": _finite(value),
            "limit": self.passes,
            "fail_above": _finite(self.fails),
            "unit": self.unit,
            "verdict": verdict,
            "passed": None if verdict == "not judged" else verdict != "fail",
            "note": note,
            "advice": self.advice,
        }


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of all gates, and the version of their file."""

    version: int
    gates: Mapping[str, Threshold]

    def __getitem__(self, gate: str) -> Threshold:
        return self.gates[gate]


def load(path: Path = OURS) -> Thresholds:
    """Read and check the thresholds of a file. Raises UsageProblem, naming file and key."""
    values = read_toml(path)
    version = values.pop("version", None)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UsageProblem(f"{path}: version must be a whole number from 1")
    wrong = [f"{gate} is missing" for gate in GATES if gate not in values]
    wrong += [f"unknown gate {gate}" for gate in values if gate not in GATES]
    if wrong:
        raise UsageProblem(f"{path}: {'; '.join(wrong)}")
    return Thresholds(version, {gate: _threshold(gate, values[gate], f"{path}: {gate}") for gate in GATES})


def _threshold(gate: str, table: object, where: str) -> Threshold:
    keys = {*TEXTS, *NUMBERS, *GATES[gate]}
    if not isinstance(table, dict) or set(table) != keys:
        raise UsageProblem(f"{where} must have exactly these keys: {', '.join(sorted(keys))}")
    wrong = [f"{key} must be some words" for key in TEXTS if not (isinstance(table[key], str) and table[key].strip())]
    wrong += [f"{key} must be a number, 0 or more" for key in sorted(keys - {*TEXTS}) if not _number(key, table[key])]
    if not wrong and table["fail"] < table["pass"]:
        wrong = ["fail must not be below pass"]
    if wrong:
        raise UsageProblem(f"{where}: {'; '.join(wrong)}")
    extra = {key: float(table[key]) for key in GATES[gate]}
    title, unit, advice = (table[key] for key in TEXTS)
    return Threshold(gate, title, unit, advice, float(table["pass"]), float(table["fail"]), extra)


def _number(key: str, value: object) -> bool:
    """Whether it is a number from 0; only a limit of failure may be infinite, and never be reached."""
    ok = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return ok and (key == "fail" or value != math.inf)


def _finite(value: float | None) -> float | None:
    """Return what JSON can hold."""
    return value if value is not None and math.isfinite(value) else None
