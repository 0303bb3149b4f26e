"""How much a run of the peers measures: a named profile of `profiles.toml`, or the user's own file with its keys."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.exits import UsageProblem
from bench.latency.profile import Step
from bench.tomlfile import read_profile

OURS = Path(__file__).with_name("profiles.toml")
WHOLE = ("blocks", "rounds")
SECONDS = ("slice_s", "warmup_s", "settle_s", "image_s", "slo_ms", "patience_s")


@dataclass(frozen=True)
class Profile:
    """The size of a run; see profiles.toml for what each means. A step's load is a share of the peer's own capacity."""

    name: str
    peers: tuple[str, ...]
    blocks: int
    rounds: int
    slice_s: float
    warmup_s: float
    settle_s: float
    image_s: float
    slo_ms: float
    patience_s: float
    verdicts: bool
    overload: tuple[Step, ...]

    def settings(self) -> dict[str, object]:
        """Return the profile as the flat settings of run.json."""
        flat = {key: value for key, value in asdict(self).items() if key not in {"name", "peers", "overload"}}
        return {
            **flat,
            "overload": ", ".join(f"{step.load:g} x capacity for {step.seconds:g} s" for step in self.overload),
        }


def load(name: str) -> Profile:
    """Return the profile of that name, or the one in the TOML file of that path. Raises UsageProblem."""
    return check(*read_profile(name, OURS))


def check(values: Mapping[str, Any], name: str, where: str) -> Profile:
    """Turn the table of a profile into a Profile; every mistake is named with its key."""
    known = {*WHOLE, *SECONDS, "peers", "verdicts", "overload"}
    wrong = [f"unknown key {key}" for key in values if key not in known]
    wrong += [f"{key} is missing" for key in sorted(known) if key not in values]
    wrong = wrong or [problem for key in sorted(known) if (problem := _problem(key, values[key]))]
    if wrong:
        raise UsageProblem(f"{where}: {'; '.join(wrong)}")
    steps = tuple(Step(float(step["load"]), float(step["seconds"])) for step in values["overload"])
    rest = {key: values[key] for key in (*WHOLE, "verdicts")} | {key: float(values[key]) for key in SECONDS}
    return Profile(name=name, peers=tuple(values["peers"]), overload=steps, **rest)


def _problem(key: str, value: Any) -> str:  # noqa: ANN401 - whatever somebody wrote
    if key == "overload":
        return _overload(value)
    if key == "peers":
        texts = isinstance(value, list) and all(isinstance(each, str) for each in value)
        return "" if texts else "peers must be a list of names; empty: all"
    if key == "verdicts":
        return "" if isinstance(value, bool) else "verdicts must be true or false"
    if not _positive(value):
        return f"{key} must be a number above 0"
    return f"{key} must be a whole number" if key in WHOLE and not isinstance(value, int) else ""


def _overload(steps: object) -> str:
    keys = {"load", "seconds"}
    if not isinstance(steps, list) or not steps or not all(isinstance(s, dict) and set(s) == keys for s in steps):
        return "overload must be a list of { load = share of capacity, seconds = ... }"
    if not all(_positive(value) for step in steps for value in step.values()):
        return "load and seconds of every step must be numbers above 0"
    loads = [step["load"] for step in steps]
    return "" if loads == sorted(set(loads)) else "loads must rise from step to step"


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")
