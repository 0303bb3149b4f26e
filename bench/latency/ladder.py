"""Which rates a variant is offered: shares of the smallest capacity, common to all, then of its own. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.latency.profile import Profile, Step
from bench.load.schedule import Phase

SETTLE_S = 0.2
OWN_FROM = 0.5  # below half of its own capacity the common steps have shown enough
NEAR = 1.2  # a variant whose steps end this near to the common ones climbs no further


@dataclass(frozen=True)
class Rung:
    """One step with its numbers: offered predictions per second, as a share of the variant's own capacity, times."""

    rate_per_s: float
    of_capacity: float
    seconds: float
    pause_s: float

    def phase(self, bystanders: Mapping[str, float]) -> Phase:
        """Return the arrivals of this step."""
        return Phase(self.seconds, {"prediction": self.rate_per_s, **bystanders}, self.pause_s)


def ladder(steps: Sequence[Step], capacity: float, smallest: float) -> list[Rung]:
    """Return the rungs of one variant: those that all variants share, then higher ones up to its own capacity's."""
    common = [rung(step, smallest, capacity) for step in steps]
    reached = common[-1].rate_per_s * NEAR
    own = [step for step in steps if step.load >= OWN_FROM and step.load * capacity > reached]
    return common + [rung(step, capacity, capacity) for step in own]


def rung(step: Step, base: float, capacity: float) -> Rung:
    """Return one rung. After an overload there is a pause in which what has piled up is worked off."""
    rate = step.load * base
    excess_s = max(0.0, step.load - 1) * step.seconds
    return Rung(rate, rate / capacity, step.seconds, SETTLE_S + 1.2 * excess_s)


def phases(profile: Profile, rungs: Sequence[Rung]) -> tuple[Phase, list[Phase]]:
    """Return warm-up and steps; the warm-up's load is that of the second step, so that nothing is cold."""
    warm = rungs[min(1, len(rungs) - 1)].phase(profile.bystanders)
    return Phase(profile.warmup_s, warm.rates), [rung.phase(profile.bystanders) for rung in rungs]


def seconds(profile: Profile, rungs: Sequence[Rung]) -> float:
    """Return how long a trial sends: warm-up, steps, and the pauses after them, the last for its drain."""
    return profile.warmup_s + sum(rung.seconds + rung.pause_s for rung in rungs)
