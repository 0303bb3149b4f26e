"""The comparison of inference servers: what each costs beside the bare model, and what it keeps under overload."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from bench.gates import judging
from bench.peers import closing, gates, results
from bench.peers import promises as promised
from bench.peers.conduct import Conductor, Hands
from bench.peers.peer import Peer
from bench.peers.profile import Profile
from bench.peers.sitting import Rig
from bench.session.experiment import Conclusion, Raw, Step
from bench.session.session import Session
from runfile import facts
from runfile.facts import Promise, Run
from runfile.rows import ResultRow


@dataclass(frozen=True)
class Peers:
    """The experiment as it was asked for."""

    profile: Profile
    peers: Sequence[Peer]
    promises: tuple[Promise, ...] = field(default_factory=promised.load)
    hands: Hands = field(default_factory=Hands)
    name: ClassVar[str] = results.EXPERIMENT
    needs: ClassVar[frozenset[str]] = frozenset()

    def opening(self) -> facts.Found:
        """Return what is known before anything is measured."""
        return facts.Peers(
            settings=self.profile.settings(),
            verdicts=self.profile.verdicts,
            slo_ms=self.profile.slo_ms,
            peers=tuple(facts.Peer(each.name, each.title, each.release, each.form, each.run) for each in self.peers),
            promises=self.promises,
        )

    def steps(self, session: Session) -> list[Step]:
        """Return what there is to do, in order."""
        session.repeats += self.profile.repeats
        rig = Rig(session, self.profile, self.hands.vision(session))
        return Conductor(rig, self.peers, self.hands).steps()

    @staticmethod
    def conclude(raw: Raw) -> Conclusion:
        """Derive everything that is derived."""
        own = raw.run.experiments.peers or facts.Peers()
        found = results.collect(own, raw.requests, raw.limits)
        judged = gates.judge(raw.limits, own, found.steps)
        validity = judging.validity(judged, *([] if own.counted else ["no server was measured"]))
        asked = [each.name for each in own.peers]
        checks = promised.judge(own.promises, found, asked, verdicts=own.verdicts)
        told = tuple(found.withheld)
        return Conclusion(
            found.rows(),
            {"gates": judged, "checks": checks, "withheld": told, "validity": validity, "peers": took_part(own)},
        )

    @staticmethod
    def words(run: Run, rows: Sequence[ResultRow]) -> list[str]:
        """Return what the terminal says at the end."""
        return closing.words(run, rows)


def took_part(own: facts.Peers) -> tuple[facts.Peer, ...]:
    """Return the peers with how many blocks each was measured in, and why in none."""
    counted = [each.variant for each in own.counted]
    why = {each.variant: each.reason for each in own.failed if not each.again}
    return tuple(
        replace(peer, blocks=counted.count(peer.name), failed="" if peer.name in counted else why.get(peer.name, ""))
        for peer in own.peers
    )
