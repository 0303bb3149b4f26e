"""How much the latency experiment measures: a named profile of `profiles.toml`, or the table [latency] of one's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from bench.tomlfile import Count, NotNegative, Number, Positive, Written, read_profile
from runfile.facts import Scalars

OURS = Path(__file__).with_name("profiles.toml")
BYSTANDERS = ("metadata", "page", "image")
LOW_LOAD = 0.3  # a first load above it would not be low, and promises are made for low load

Arrivals = Literal["poisson", "constant"]


def rising(loads: Sequence[float], what: str) -> None:
    """Raise ValueError unless loads rise."""
    if not loads or list(loads) != sorted(set(loads)):
        raise ValueError(f"{what}: loads must rise from one to the next, and there must be one")


def routes(rates: Mapping[str, float]) -> Mapping[str, float]:
    """Raise ValueError where a rate is for no route that needs no model."""
    if not set(rates) <= {*BYSTANDERS}:
        raise ValueError(f"must be rates of some of: {', '.join(BYSTANDERS)}")
    return rates


@dataclass(frozen=True)
class Step(Written):
    """One step of a staircase: the load as a share of capacity, for so many seconds."""

    load: Positive
    seconds: Positive


@dataclass(frozen=True)
class Rounds(Written):
    """So many rounds of turns at a load, as a share of the smallest capacity.

    Evenly spaced arrivals keep requests from meeting each other by chance, which is what low load is for.
    """

    load: Positive
    rounds: Count
    arrivals: Arrivals


@dataclass(frozen=True)
class Turns(Written):
    """How the variants of a block take turns: how often at each load, for how long, with a pause after each.

    `warmup_s` is the turn that everybody has before the first round.
    """

    warmup_s: NotNegative
    seconds: Positive
    pause_s: NotNegative
    loads: tuple[Rounds, ...]


@dataclass(frozen=True)
class Profile(Written):
    """The size of a run; see profiles.toml for what each means."""

    blocks: Count
    staircases: Number
    warmup_s: NotNegative
    capacity_per_s: NotNegative
    slo_ms: Positive
    again: bool
    control_ms: NotNegative
    raw_limit: bool
    repeats: Number
    arrivals: Arrivals
    verdicts: bool
    bystanders: Annotated[Mapping[str, Positive], AfterValidator(routes)]
    turns: Turns
    steps: tuple[Step, ...]

    @model_validator(mode="after")
    def _check(self) -> Self:
        rising([each.load for each in self.turns.loads], "turns")
        if self.turns.loads[0].load > LOW_LOAD:
            raise ValueError(f"turns: the first load must be at most {LOW_LOAD:g}, or it is not low")
        if self.staircases:
            rising([step.load for step in self.steps], "steps")
            if self.steps[0].load < self.turns.loads[0].load:
                raise ValueError("steps: the first must not lie below the first load of turns, which is low load")
        return self

    def settings(self) -> Scalars:
        """Return the profile as the flat settings of run.json."""
        flat: Scalars = {key: value for key, value in vars(self).items() if isinstance(value, bool | int | float | str)}
        flat |= {f"rate_{case}_per_s": rate for case, rate in self.bystanders.items()}
        loads = " and ".join(
            f"{each.rounds} rounds at {each.load:g} x the smallest capacity ({each.arrivals})"
            for each in self.turns.loads
        )
        steps = ", ".join(f"{step.load:g} x capacity for {step.seconds:g} s" for step in self.steps)
        return {**flat, "turns": f"{loads}, each turn {self.turns.seconds:g} s", "steps": steps}


def load(name: str) -> Profile:
    """Return the profile of that name, or the one in the TOML file of that path. Raises UsageProblem."""
    return read_profile(name, "latency", OURS, Profile)
