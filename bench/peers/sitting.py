"""A peer that is up with one model: slices in turn with the bare loop, then the overload; again what was spoiled."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pyarrow as pa

from bench.exits import StackFailed
from bench.load.generator import Load
from bench.load.plan import Plan
from bench.peers import overload, rounds
from bench.peers.asking import JUDGE, Photo, targets
from bench.peers.bare import Vision
from bench.peers.overload import Shown
from bench.peers.profile import Profile, Step
from bench.peers.rounds import CASES, CLIENTS, CROWD, MODEL
from bench.peers.running import RunningPeer
from bench.peers.slices import ClosedLoop
from bench.session.failures import again
from bench.session.session import Session
from bench.session.trial import Where
from runfile.facts import Overload, Round, Slice

WARM_UPS = 5
CAPACITY, CAPACITY_SLICES = "capacity", 3  # what the overload is a multiple of: as long as so many slices, no rounds


@dataclass(frozen=True)
class Rig:
    """What all measurements of a run share."""

    session: Session
    profile: Profile
    vision: Vision
    photos: dict[str, list[Photo]] = field(default_factory=dict)  # by model


@dataclass(frozen=True)
class Sitting:
    """A peer that is up with one model, its clients, who sends an open loop, and the rows of the trial so far.

    The number of a slice or of a step of the overload is that of its part.
    """

    rig: Rig
    where: Where
    running: RunningPeer
    clients: ClosedLoop
    send: Callable[[Plan], Load]
    parts: list[pa.Table]

    def turn(self, case: str, clients: int, seconds: float) -> Slice:
        """Measure one slice. Raises StackFailed without a right answer: nothing else is held against the bare loop."""
        asked = self.clients.turn(clients, seconds)
        found = asked.facts(len(self.parts))
        self.parts.append(asked.table(case, found.step))
        if found.rate_per_s <= 0:
            self.running.check()
            raise StackFailed(f"{self.running.peer.title} gave no right answer: {found.failures or 'none at all'}")
        return found

    def warm_up(self) -> None:
        """Ask for some time; again as long as there is no right answer, as some are ready long before they answer."""
        for _ in range(WARM_UPS):
            if self.clients.turn(CROWD, self.rig.profile.warmup_s).rate_per_s > 0:
                return

    def again(self, what: str, reason: str) -> str:
        """Return the reason if what was spoiled is measured again."""
        return again(self.rig.session, self.where, reason, what)

    def closed(self, model: str) -> list[Round]:
        """Let bare loop and server take turns, while the other one rests. Raises StackFailed where no answer is right.

        A turn of the bare loop ends one round and begins the next.
        """
        profile, found = self.rig.profile, list[Round]()
        self.warm_up()
        with self.rig.vision.bare_loop(model) as bare:
            before = bare.turn(profile.slice_s).mean_ms
            while sum(not each.reason for each in found) < profile.rounds:
                order = CLIENTS[model][:: -1 if len(found) % 2 else 1]  # nobody always comes first
                slices = [self.turn(CASES[model, clients], clients, profile.slice_s) for clients in order]
                after = bare.turn(profile.slice_s).mean_ms
                this = Round(before, tuple(slices), after)
                reason = self.again(f"a round of {model}", rounds.spoiled(self.rig.session.settings.limits, this))
                found.append(replace(this, reason=reason))
                before = after
        return found

    def opened(self) -> list[Overload]:
        """Send every step of the overload, with the capacity measured anew before each: the machine changes."""
        found, capacity = list[Overload](), self.capacity()
        for number, step in enumerate(self.rig.profile.overload):
            this = self.step(number, step, capacity)
            while this.reason:
                found.append(this)
                self.warm_up()  # a server that accepts everything is still at work
                this = self.step(number, step, self.capacity())
            found.append(this)
            capacity = this.after_per_s or capacity
        return found

    def capacity(self) -> float:
        """Measure how many right answers per second eight clients get."""
        return self.turn(CAPACITY, CROWD, CAPACITY_SLICES * self.rig.profile.slice_s).rate_per_s

    def step(self, number: int, step: Step, capacity: float) -> Overload:
        """Send one step, and measure the capacity after it but for the last. Raises StackFailed, GeneratorFailed."""
        rig, peer = self.rig, self.running.peer
        settings, profile = rig.session.settings, rig.profile
        asked = targets(peer, rig.photos[MODEL], MODEL, deadline_ms=profile.slo_ms)
        seed = (settings.seed, self.where.block, number)
        drawn = overload.schedule(step, capacity, profile.warmup_s, len(asked), seed)
        plan = Plan([self.running.base_url], drawn, asked, profile.patience_s, judge=JUDGE, judge_of=peer.name)
        load = self.send(plan)
        self.running.check()
        this = Overload(
            len(self.parts), step.load, step.seconds, step.load * capacity, capacity, connections=load.connections
        )
        self.parts.append(overload.table(this, load.table))
        rows = self.parts[-1].filter(self.parts[-1]["counted"]).to_pandas()
        if step is not profile.overload[-1]:
            this = replace(this, after_per_s=self.capacity())
        reason = Shown(this, profile.slo_ms, rows).unfit(settings.limits)
        return replace(this, reason=self.again(this.case, reason))
