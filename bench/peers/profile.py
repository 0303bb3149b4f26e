"""How much a run of the peers measures: a named profile of `profiles.toml`, or the table [peers] of one's own."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import model_validator

from bench.tomlfile import Count, Filled, Number, Positive, Written, read_profile
from runfile.facts import Scalars

OURS = Path(__file__).with_name("profiles.toml")


@dataclass(frozen=True)
class Step(Written):
    """One step of an overload: the load as a multiple of the peer's own capacity, for so many seconds."""

    load: Positive
    seconds: Positive


@dataclass(frozen=True)
class Profile(Written):
    """The size of a run; see profiles.toml for what each means."""

    peers: tuple[str, ...]
    blocks: Count
    rounds: Count
    slice_s: Positive
    warmup_s: Positive
    settle_s: Positive
    image_s: Positive
    slo_ms: Positive
    patience_s: Positive
    repeats: Number
    verdicts: bool
    overload: Annotated[tuple[Step, ...], Filled]

    @model_validator(mode="after")
    def _check(self) -> Self:
        loads = [step.load for step in self.overload]
        if loads != sorted(set(loads)):
            raise ValueError("overload: loads must rise from step to step")
        return self

    def settings(self) -> Scalars:
        """Return the profile as the flat settings of run.json."""
        steps = ", ".join(f"{step.load!r} x capacity for {step.seconds:g} s" for step in self.overload)
        flat = {key: value for key, value in asdict(self).items() if key not in {"peers", "verdicts", "slo_ms"}}
        return {**flat, "overload": steps.replace(".0 x", " x")}


def load(name: str) -> Profile:
    """Return the profile of that name, or the one in the TOML file of that path. Raises UsageProblem."""
    return read_profile(name, "peers", OURS, Profile)
