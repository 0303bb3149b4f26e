"""One run of the peers: what was asked for, and its state while it goes on. Whatever happens, it can be written up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.exits import Failure
from bench.gates.thresholds import Thresholds
from bench.machine import cores
from bench.peers.bare import ImagePath, Vision
from bench.peers.measure import Measured, Rig
from bench.peers.peer import Peer
from bench.peers.profile import Profile
from bench.peers.promises import Promise
from bench.peers.slices import Photo
from bench.session.runfolder import RunFolder, now

EXPERIMENT = "peers"


@dataclass(frozen=True)
class Settings:
    """What the user asked for."""

    profile: Profile
    peers: Sequence[Peer]
    photos: Path
    out: Path
    seed: int
    promises: Sequence[Promise]
    limits: Thresholds
    command: Sequence[str]


@dataclass
class Run:
    """The state of a run."""

    settings: Settings
    folder: RunFolder
    rig: Rig
    photos: dict[str, list[Photo]]  # by model; what the rig sees
    measured: list[Measured] = field(default_factory=list)
    images: dict[int, ImagePath] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)  # why a peer could not be installed, started or measured
    failure: Failure | None = None
    results: list[dict[str, object]] = field(default_factory=list)

    def peers(self) -> list[dict[str, object]]:
        """Return the entries of run.json: who took part, in which form, and how it went."""
        return [
            {"name": peer.name, "title": peer.title, "release": peer.release, "form": peer.form,
             "run": list(peer.run), "blocks": sum(each.place.peer is peer for each in self.measured),
             "failed": self.failed.get(peer.name, "")}
            for peer in self.settings.peers
        ]  # fmt: skip


def begin(settings: Settings) -> Run:
    """Make the run folder, write down what is known, and get off the cores of the system under test."""
    split, profile = cores.split_cores(), settings.profile
    cores.stay_off(split)
    folder = RunFolder(settings.out, f"peers-{profile.name}")
    photos: dict[str, list[Photo]] = {}
    sut = split.sut if split.pinned else ()
    vision = Vision(settings.photos, folder.work / "vision", folder.path / "logs", sut)
    run = Run(settings, folder, Rig(profile, settings.seed, folder.work, split, vision, photos), photos)
    folder.save(
        profile=profile.name, started_at=now(), finished_at=None, seed=settings.seed, command=list(settings.command),
        settings={
            "experiments": EXPERIMENT,
            "peers": ", ".join(peer.name for peer in settings.peers),
            **profile.settings(),
            "photos": str(settings.photos),
            "thresholds_version": settings.limits.version,
        },
        machine=cores.fingerprint(split), versions=cores.versions(),
        peers=run.peers(), trials=[], checks=[], gates=[], withheld=[],
        validity={"valid": False, "reasons": ["the run is not finished"]},
    )  # fmt: skip
    folder.event("run started", profile=profile.name, peers=[peer.name for peer in settings.peers])
    return run
