"""A block: all variants up together and taking turns at low load, then each alone on its staircase.

What generator or machine spoiled is measured again within the bound: single rounds of turns, a staircase as a whole.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bench.latency import ladder
from bench.latency.arms import CONTROL, Arm
from bench.latency.profile import Profile
from bench.load.generator import Flight
from bench.machine.limit import BACK_TO_BACK, PACED, BareLoop
from bench.session import failures, gates, trial
from bench.session.preparation import MOST_PER_S
from bench.session.session import Session
from bench.session.trial import Course, Measured, Rows, Up, Where
from bench.stacks.stack import Role
from bench.statistics.quantities import MS, RAW_LIMIT
from bench.statistics.steps import SECOND_NS
from runfile.facts import Step

NAME = "latency"
REST: Role = "refresh"  # the role that would work in another's turn
BACK_TO_BACK_S = 0.4


@dataclass(frozen=True)
class Block:
    """One block of a run, numbers from 1."""

    session: Session
    profile: Profile
    arms: Sequence[Arm]
    number: int

    def course(self, steps: Sequence[Step], flight: int = 0, *, warmup_s: float = 0.0) -> Course:
        """Return what is sent to these steps."""
        delays = {arm.name: arm.delay_ms for arm in self.arms}
        photos, seed = len(self.session.targets), (self.session.settings.seed, self.number, flight)
        course = ladder.course(steps, self.profile, photos, warmup_s=warmup_s, seed=seed, delays_ms=delays)
        return replace(course, of={arm.name: arm.of for arm in self.arms if arm.kind == CONTROL})


def take_turns(block: Block) -> None:
    """Start everything beside each other, and let all take turns."""
    where = Where(NAME, block.number, "")
    failures.tried(block.session, where, partial(rounds, block, where))


def rounds(block: Block, where: Where) -> bool:
    """Start everything, and fly the rounds. Raises TrialFailed."""
    session = block.session
    with ExitStack() as held:
        these = held.enter_context(
            trial.up(session, where, {arm.name: arm.stack for arm in block.arms if arm.kind != CONTROL})
        )
        log, version = session.logs(where.name) / "raw-limit.log", session.verified[0].model["version"]
        loop = BareLoop(session.images, log=log, cores=session.sut, version=version)
        bare = held.enter_context(loop) if block.profile.raw_limit else None
        others_per_s = sum(block.profile.bystanders.values())

        def fly(course: Course) -> Measured:
            return trial.fly(session, where, these, course, partial(let_rest, course, bare, others_per_s))

        fly_rounds(block, fly)
    return True


def fly_rounds(block: Block, fly: Callable[[Course], Measured]) -> None:
    """Fly until there are as many good rounds as the profile asks for, or the bound is reached. Raises TrialFailed."""
    session, profile, flights = block.session, block.profile, 0
    wanted = [load.rounds for load in profile.turns.loads]
    while any(wanted):
        steps = ladder.turns(block.arms, profile, min(session.capacity.values()), wanted, warm_up=not flights)
        measured = fly(block.course(steps, flights))
        bad = spoiled_rounds(session, measured)
        again = bool(bad) and failures.may_repeat(session)
        if again:
            reason = next(iter(bad.values()))
            measured = measured.spoiled(reason) if len(bad) == sum(wanted) else measured.without(bad)
            session.say(f"{len(bad)} rounds of turns are measured again, because {reason}")
        trial.keep(session, measured)
        wanted = ladder.rounds_at(steps, bad, profile) if again else []
        flights += 1


def let_rest(course: Course, bare: BareLoop | None, others_per_s: float, flight: Flight, these: Up) -> Rows:
    """Let those who precompute rest while others have their turn, and the bare model have its own; return its rows.

    Its pace is that of all requests of the load, since each of them wakes the core.
    """
    rows, steps = Rows(), course.steps
    with these.at_rest(REST):
        for step in steps:
            own = [stack for name, stack in these.stacks.items() if name == course.of.get(step.variant, step.variant)]
            for stack in own:
                stack.wake(REST)
            flight.until(step.start_s)
            if bare is not None and step.variant == RAW_LIMIT:
                rows += bare_turn(bare, step, step.rate_per_s + others_per_s)
            flight.until(step.start_s + step.seconds)
            for stack in own:
                stack.rest(REST)
        if bare is not None:
            rows += bare_turn(bare, steps[-1], 0.0)
    return rows


def bare_turn(bare: BareLoop, step: Step, rate_per_s: float) -> Rows:
    """Return the rows of one turn of the bare model: paced like the load, or without a pause after the last step."""
    start_s, seconds = (step.start_s, step.seconds) if rate_per_s else (step.start_s + step.seconds, BACK_TO_BACK_S)
    paced = {"case": PACED, "offered_per_s": step.rate_per_s} if rate_per_s else {"case": BACK_TO_BACK}
    rows = bare.turn(seconds, rate_per_s).rows(round(start_s * SECOND_NS), rate_per_s)
    return [{"variant": RAW_LIMIT, "step": step.step, **paced, **row} for row in rows]


def climb(block: Block, arm: Arm, position: int) -> None:
    """Let one variant climb its staircase alone."""
    session, where = block.session, Where(NAME, block.number, arm.name, position)
    steps = ladder.staircase(arm.name, block.profile, session.capacity[arm.stack.name], MOST_PER_S)
    if not steps:
        session.say(f"{arm.name} carries more than the generator can send; it is measured at low load only")
        return
    course = block.course(steps, warmup_s=block.profile.warmup_s)
    measure = partial(trial.measure, session, where, {arm.name: arm.stack}, course)
    failures.attempt(session, where, measure, partial(spoiled, session))


def spoiled(session: Session, measured: Measured) -> str:
    """Say why a staircase should be measured again, "" if it need not."""
    late = [lateness(session, measured, {step.step}) for step in measured.trial.steps]
    return next((reason for reason in (*late, disturbed(session, measured)) if reason), "")


def disturbed(session: Session, measured: Measured) -> str:
    """Say how the machine spoiled a trial, "" if it did not."""
    known = [each.canary_ms for each in session.folder.run.found[NAME].counted if each.canary_ms]
    return gates.disturbed(session.settings.limits, measured.trial, known)


def spoiled_rounds(session: Session, measured: Measured) -> dict[int, str]:
    """Return the rounds in which the generator was late, or all where the machine was not itself, with the reason."""
    machine = disturbed(session, measured)
    steps = [step for step in measured.trial.steps if step.round]
    found = {
        number: machine or lateness(session, measured, {step.step for step in steps if step.round == number})
        for number in sorted({step.round for step in steps})
    }
    return {number: reason for number, reason in found.items() if reason}


def lateness(session: Session, measured: Measured, steps: set[int]) -> str:
    """Say by how much the generator was late in these steps, "" if it was in time."""
    table = measured.load.table
    numbers = table["step"].to_numpy()
    intended, sent, done = (table[name].to_numpy().astype(float) / MS for name in ("intended_ns", "sent_ns", "done_ns"))
    delays = np.array([measured.course.delays_ms.get(step.variant, 0.0) for step in measured.trial.steps])
    own = np.isin(numbers, list(steps)) & ~np.isnan(sent)
    lag = (sent - intended)[own] - delays[numbers[own]]
    return gates.late(session.settings.limits, lag, (done - sent)[own & (measured.load.outcome == "ok")])
