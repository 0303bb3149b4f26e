"""What a run of the peers does: installs what is missing, asks for the right labels, measures one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bench.exits import TrialFailed
from bench.load.schedule import order_of_block
from bench.peers import environment
from bench.peers.bare import Vision, not_taken
from bench.peers.peer import Peer
from bench.peers.results import EXPERIMENT
from bench.peers.sitting import Measured, Rig, measure, planned_s
from bench.peers.slices import MODEL, NO_OP
from bench.session import failures, gates
from bench.session.experiment import Step
from bench.session.session import Session
from bench.session.trial import Where
from runfile.facts import Peers

INSTALL_S, LABELS_S, IMAGE_START_S = 30.0, 4.0, 2.0
BEFORE = 0  # the number of the block that is none: what fails in it, fails for the whole run


@dataclass(frozen=True)
class Hands:
    """What touches the world; a test hands in what it has made up."""

    ready: Callable[[Peer], bool] = environment.ready
    install: Callable[[Peer], None] = environment.install
    vision: Callable[[Session], Vision] = Vision.of
    measure: Callable[[Rig, Where, Peer], Measured] = measure


@dataclass(frozen=True)
class Conductor:
    """Does the steps of a run."""

    rig: Rig
    peers: Sequence[Peer]
    hands: Hands

    def steps(self) -> list[Step]:
        """Return what there is to do, in order: in each block the image path and, in a balanced order, every peer."""
        profile, seed = self.rig.profile, self.rig.session.settings.seed
        found = [Step("asking the bare model for all labels", LABELS_S, self.begin)]
        for peer in [peer for peer in self.peers if not self.hands.ready(peer)]:
            found += [Step(f"installing {peer.title} {peer.release}", INSTALL_S, partial(self.install, peer))]
        for block in range(1, profile.blocks + 1):
            name = f"block {block}/{profile.blocks}"
            found += [Step(f"{name}: the image path", profile.image_s + IMAGE_START_S, partial(self.images, block))]
            order = [self.peers[index] for index in order_of_block(len(self.peers), block - 1, seed)]
            for position, peer in enumerate(order, start=1):
                do = partial(self.peer, block, position, peer)
                found += [Step(f"{name}: {peer.title}", planned_s(profile), do)]
        return found

    def begin(self) -> None:
        """Ask for what is right. Raises StackFailed: without it no answer can be judged."""
        self.rig.session.folder.left_out(not_taken(self.rig.session.settings.photos))
        self.rig.photos.update({model: self.rig.vision.labelled(model) for model in (NO_OP, MODEL)})

    def install(self, peer: Peer) -> None:
        """Make the environment of a peer; the run goes on without it if that fails."""
        session = self.rig.session
        try:
            self.hands.install(peer)
        except TrialFailed as failure:
            failures.note(session, Where(EXPERIMENT, BEFORE, peer.name), failure, again=False)
        else:
            session.folder.event("peer installed", peer=peer.name)

    def images(self, block: int) -> None:
        """Measure the image path; a run without it still says everything about the servers."""
        session = self.rig.session
        try:
            measured = self.rig.vision.image_path(block, self.rig.profile.image_s)
        except TrialFailed as failure:
            session.say(f"warning: {failure}")
            session.folder.event("image path failed", block=block, reason=str(failure))
        else:
            found = session.folder.run.experiments.peers or Peers()
            session.folder.save_found(EXPERIMENT, images=(*found.images, measured))

    def peer(self, block: int, position: int, peer: Peer) -> None:
        """Measure one peer and write it down, unless it could not be installed."""
        if self.hands.ready(peer):
            where = Where(EXPERIMENT, block, peer.name, position)
            measure = partial(self.hands.measure, self.rig, where, peer)
            failures.attempt(self.rig.session, where, measure, self.spoiled, keep)

    def spoiled(self, measured: Measured) -> str:
        """Say how the machine spoiled all of it, "" if it did not."""
        session = self.rig.session
        known = [each.canary_ms for each in session.folder.run.found[EXPERIMENT].counted if each.canary_ms]
        return gates.disturbed(session.settings.limits, measured.trial, known)


def keep(session: Session, measured: Measured) -> None:
    """Write down what one peer showed in one block."""
    trial = measured.trial
    session.folder.add_trial(measured.requests())
    session.folder.save_found(EXPERIMENT, trials=(*session.folder.run.found[EXPERIMENT].trials, trial))
    event, rate = "trial finished" if trial.counted else "trial does not count", trial.capacity_per_s
    session.folder.event(event, trial=trial.trial, variant=trial.variant, capacity_per_s=rate, reason=trial.reason)
