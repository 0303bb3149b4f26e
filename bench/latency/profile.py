"""How much a run measures: a named profile of `profiles.toml`, or the user's own file with the same keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.exits import UsageProblem
from bench.load.schedule import ARRIVALS
from bench.tomlfile import read_profile

OURS = Path(__file__).with_name("profiles.toml")
CASES = ("metadata", "page", "image")
LOW_LOAD = 0.3  # a first step above it would not be low load, for which the promises are made
KEYS = {
    "budget_s": float, "blocks": int, "warmup_s": float, "limit_s": float, "probe_s": float, "capacity_per_s": float,
    "slo_ms": float, "control_ms": float, "repeats": int,
}  # fmt: skip
POSITIVE = ("budget_s", "blocks", "slo_ms")
WHOLE = ("blocks", "repeats")
SWITCHES = ("again", "verdicts")


@dataclass(frozen=True)
class Step:
    """One step of a staircase: the load as a share of capacity, for so many seconds."""

    load: float
    seconds: float


@dataclass(frozen=True)
class Profile:
    """The size of a run; see profiles.toml for what each means."""

    name: str
    budget_s: float
    blocks: int
    warmup_s: float
    limit_s: float
    probe_s: float
    capacity_per_s: float
    slo_ms: float
    again: bool
    control_ms: float
    repeats: int
    arrivals: str
    verdicts: bool
    bystanders: Mapping[str, float]
    steps: tuple[Step, ...]

    def settings(self) -> dict[str, object]:
        """Return the profile as the flat settings of run.json."""
        flat: dict[str, object] = {key: getattr(self, key) for key in (*KEYS, *SWITCHES, "arrivals")}
        flat |= {f"rate_{case}_per_s": rate for case, rate in self.bystanders.items()}
        return {**flat, "steps": ", ".join(f"{step.load:g} x capacity for {step.seconds:g} s" for step in self.steps)}


def load(name: str) -> Profile:
    """Return the profile of that name, or the one in the TOML file of that path. Raises UsageProblem."""
    return check(*read_profile(name, OURS))


def check(values: object, name: str, where: str) -> Profile:
    """Turn the table of a profile into a Profile; every mistake is named with its key."""
    if not isinstance(values, dict):
        raise UsageProblem(f"{where} must be a table")
    known = {*KEYS, *SWITCHES, "arrivals", "bystanders", "steps"}
    wrong = [f"unknown key {key}" for key in values if key not in known]
    wrong += [f"{key} is missing" for key in sorted(known) if key not in values]
    if not wrong:
        wrong = [f"{key} must be a number, 0 or more" for key in KEYS if not _number(values[key])]
        wrong = wrong or [f"{key} must be more than 0" for key in POSITIVE if values[key] <= 0]
        wrong = wrong or [f"{key} must be a whole number" for key in WHOLE if values[key] % 1]
        wrong += _choices(values) + _bystanders(values["bystanders"]) + _steps(values["steps"])
    if wrong:
        raise UsageProblem(f"{where}: {'; '.join(wrong)}")
    numbers: dict[str, Any] = {key: kind(values[key]) for key, kind in KEYS.items()}
    steps = tuple(Step(float(step["load"]), float(step["seconds"])) for step in values["steps"])
    rates = {case: float(rate) for case, rate in values["bystanders"].items()}
    rest = {key: values[key] for key in ("arrivals", *SWITCHES)}
    return Profile(name=name, bystanders=rates, steps=steps, **rest, **numbers)


def _choices(values: Mapping[str, object]) -> list[str]:
    wrong = [f"{key} must be true or false" for key in SWITCHES if not isinstance(values[key], bool)]
    if values["arrivals"] not in ARRIVALS:
        wrong.append(f"arrivals must be one of: {', '.join(ARRIVALS)}")
    return wrong


def _bystanders(rates: object) -> list[str]:
    if not isinstance(rates, dict) or not set(rates) <= set(CASES):
        return [f"bystanders must be a table of some of: {', '.join(CASES)}"]
    return [] if all(_number(rate) and rate > 0 for rate in rates.values()) else ["every rate must be above 0"]


def _steps(steps: object) -> list[str]:
    keys = {"load", "seconds"}
    if not isinstance(steps, list) or not steps or not all(isinstance(s, dict) and set(s) == keys for s in steps):
        return ["steps must be a list of { load = share of capacity, seconds = ... }"]
    if not all(_number(value) and value > 0 for step in steps for value in step.values()):
        return ["load and seconds of every step must be numbers above 0"]
    loads = [step["load"] for step in steps]
    if loads != sorted(set(loads)) or loads[0] > LOW_LOAD:
        return [f"loads must rise from step to step, the first at most {LOW_LOAD:g}"]
    return []


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
