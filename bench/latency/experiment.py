"""The latency experiment: how long answers take at low load, how much load each variant carries, what lies beyond."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from bench.latency import closing, ladder
from bench.latency.arms import arms_of
from bench.latency.conclude import conclude
from bench.latency.conduct import Block, climb, take_turns
from bench.latency.profile import Profile
from bench.load.schedule import order_of_block
from bench.session.experiment import NULL, STACKS, Conclusion, Raw, Step
from bench.session.preparation import MOST_PER_S
from bench.session.session import Session
from bench.stacks.stack import Stack
from runfile import facts
from runfile.facts import Expectation, Found, Run
from runfile.rows import ResultRow

START_S, AROUND_S = 1.4, 1.2  # a stack's start; generator, canary and the end of a trial: for the remaining time only


@dataclass(frozen=True)
class Latency:
    """The experiment as it was asked for."""

    profile: Profile
    stacks: Sequence[Stack]
    expectations: tuple[Expectation, ...]
    name: ClassVar[str] = "latency"
    needs: ClassVar[frozenset[str]] = frozenset({STACKS, NULL})

    def opening(self) -> Found:
        """Return what is known before anything is measured."""
        copies = [arm for arm in arms_of(self.stacks, self.profile) if arm.kind]
        return facts.Latency(
            settings=self.profile.settings(),
            verdicts=self.profile.verdicts,
            slo_ms=self.profile.slo_ms,
            arms=tuple(facts.Arm(arm.name, arm.of, arm.kind, arm.delay_ms) for arm in copies),
            expectations=self.expectations,
        )

    def steps(self, session: Session) -> list[Step]:
        """Return the blocks: turns of all, then staircases in a balanced order. Capacities are not known yet."""
        profile, arms, steps = self.profile, arms_of(self.stacks, self.profile), list[Step]()
        session.repeats, session.assumed_per_s = session.repeats + profile.repeats, profile.capacity_per_s
        rounds = [load.rounds for load in profile.turns.loads]
        turns_s = seconds(ladder.turns(arms, profile, 1.0, rounds, warm_up=True)) + START_S * len(arms) + AROUND_S
        climb_s = seconds(ladder.staircase("", profile, 1.0, MOST_PER_S)) + profile.warmup_s + START_S + AROUND_S
        for number in range(1, profile.blocks + 1):
            block, name = Block(session, profile, arms, number), f"block {number}/{profile.blocks}"
            steps.append(Step(f"{name}: all in turns at low load", turns_s, partial(take_turns, block)))
            order = order_of_block(len(self.stacks), number - 1, session.settings.seed)
            for position, index in enumerate(order if number <= profile.staircases else [], start=1):
                text = f"{name}: {arms[index].name} under rising load"
                steps.append(Step(text, climb_s, partial(climb, block, arms[index], position)))
        return steps

    @staticmethod
    def conclude(raw: Raw) -> Conclusion:
        """Derive everything that is derived."""
        return conclude(raw)

    @staticmethod
    def words(run: Run, rows: Sequence[ResultRow]) -> list[str]:
        """Return what the terminal says at the end."""
        return closing.words(run, rows)


def seconds(steps: Sequence[facts.Step]) -> float:
    """Return how long steps take."""
    return sum(step.seconds + step.pause_s for step in steps)
