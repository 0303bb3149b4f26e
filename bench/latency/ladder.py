"""What a trial sends: turns at low load for all variants of a block, and the staircase that each climbs alone. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import accumulate

from bench.latency.arms import CONTROL, Arm
from bench.latency.profile import Profile
from bench.load.schedule import Phase, draw, order_of_block
from bench.session.trial import Course
from bench.statistics.quantities import RAW_LIMIT
from runfile.facts import Step

SETTLE_S = 0.2
DRAIN = 1.2  # of the time that working off an overload takes at full capacity
WARM_UP = "warm-up"


def turns(
    arms: Sequence[Arm], profile: Profile, smallest_per_s: float, rounds: Sequence[int], *, warm_up: bool
) -> list[Step]:
    """Return the turns of a block: at each load so many rounds, in each of them everybody once, in a balanced order.

    The control arm takes part at low load only; the bare model, which nobody sends anything to, ends every other round.
    """
    steps: list[Step] = []
    low = rate_of(profile.turns.loads[0].load, smallest_per_s)
    if warm_up:
        steps += [Step(0, 0.0, profile.turns.warmup_s, low, variant=arm.name, reason=WARM_UP) for arm in arms]
    for load, count in zip(profile.turns.loads, rounds, strict=True):
        rate, lowest = rate_of(load.load, smallest_per_s), load is profile.turns.loads[0]
        names = [arm.name for arm in arms if lowest or arm.kind != CONTROL]
        for _ in range(count):
            number = max((step.round for step in steps), default=0) + 1
            order = [names[index] for index in order_of_block(len(names), number - 1, len(names))]
            order += [RAW_LIMIT] if profile.raw_limit and number % 2 else []
            size = profile.turns
            steps += [
                Step(0, 0.0, size.seconds, rate, load.load, size.pause_s, name, number, place)
                for place, name in enumerate(order, start=1)
            ]
    return placed(steps)


def rounds_at(steps: Sequence[Step], numbers: Collection[int], profile: Profile) -> list[int]:
    """Return how many of these rounds there are at each load of the profile."""
    of = {step.round: step.of_capacity for step in steps}
    return [sum(of[number] == load.load for number in numbers) for load in profile.turns.loads]


def staircase(arm: str, profile: Profile, capacity_per_s: float, most_per_s: float) -> list[Step]:
    """Return the steps of one variant: shares of its own capacity, as far as the generator is known to carry them.

    After an overload there is a pause in which what has piled up is worked off.
    """
    steps = []
    for step in profile.steps:
        rate, excess_s = rate_of(step.load, capacity_per_s), max(0.0, step.load - 1) * step.seconds
        if rate <= most_per_s:
            pause = SETTLE_S + DRAIN * excess_s
            steps.append(Step(0, 0.0, step.seconds, rate, step.load, pause, arm))
    return placed(steps)


def rate_of(load: float, capacity_per_s: float) -> float:
    """Return an offered rate; it is worth no more than three digits."""
    return float(f"{load * capacity_per_s:.3g}")


def placed(steps: Sequence[Step]) -> list[Step]:
    """Give steps their numbers and their places in time."""
    starts = accumulate((step.seconds + step.pause_s for step in steps), initial=0.0)
    return [
        Step(number, start, step.seconds, step.rate_per_s, step.of_capacity, step.pause_s, step.variant, step.round,
             step.position, reason=step.reason)
        for number, (step, start) in enumerate(zip(steps, starts, strict=False))
    ]  # fmt: skip


def course(
    steps: Sequence[Step], profile: Profile, photos: int, *, warmup_s: float, seed: tuple[int, ...],
    delays_ms: Mapping[str, float] | None = None,
) -> Course:  # fmt: skip
    """Draw the arrivals of steps. Within a round everybody gets the same; so does everybody's first step, and so on.

    The warm-up's load is that of the first step: a higher one may leave a backlog to it.
    """
    phases = list(phases_of(steps, profile))
    schedule = draw(Phase(warmup_s, phases[0].rates), phases, photos, arrivals=profile.arrivals, seed=seed)
    return Course(schedule, steps, delays_ms or {})


def phases_of(steps: Sequence[Step], profile: Profile) -> Iterator[Phase]:
    """Return the arrivals of each step; the bare model gets none."""
    own = {load.load: load.arrivals for load in profile.turns.loads}
    for step in steps:
        rates = {} if step.variant == RAW_LIMIT else {"prediction": step.rate_per_s, **profile.bystanders}
        arrivals = own[step.of_capacity or 0.0] if step.round else ""
        yield Phase(step.seconds, rates, step.pause_s, step.round or step.step, arrivals)
