"""The experiments by name, and what `sweetspot run` makes of its options. Below `cli.py`; heavy imports come late."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.exits import Exit, UsageProblem
from bench.processes import descriptors, surroundings
from bench.stacks import stack
from bench.stacks.stack import Stack

if TYPE_CHECKING:
    from bench.session.experiment import Experiment

PRODUCT = ("latency",)  # those that compare the variants of the product
ALL = (*PRODUCT, "peers")


@dataclass(frozen=True)
class Asked:
    """What the user asked for."""

    experiments: Sequence[str]
    profile: str
    variants: Sequence[str]
    peers: Sequence[str]
    expectations: Path | None
    out: Path
    seed: int
    photos: Path


def run(asked: Asked) -> Exit:
    """Do one run of some experiments. Raises UsageProblem before anything is measured."""
    check(asked)
    descriptors.raise_limit()
    stacks = stack.find(asked.variants) if set(asked.experiments) & set(PRODUCT) else []
    experiments = [make(name, asked, stacks) for name in asked.experiments]
    from bench.gates import thresholds
    from bench.session import loop
    from bench.session.session import Settings

    dropped = [*surroundings.found(), *forget_our_environment()]
    surroundings.tell(dropped)
    name, command = Path(asked.profile).stem, ["sweetspot", *sys.argv[1:]]
    settings = Settings(name, asked.photos, asked.out, asked.seed, thresholds.load(), command, stacks, dropped)
    return loop.conduct(loop.begin(settings, experiments), experiments)


def check(asked: Asked) -> None:
    """Raise UsageProblem where an option belongs to an experiment that is not part of the run."""
    if asked.peers and "peers" not in asked.experiments:
        raise UsageProblem("--peers is for the experiment peers: sweetspot run peers --peers ...")
    if not set(asked.experiments) & set(PRODUCT) and (asked.variants or asked.expectations):
        raise UsageProblem("--variants and --expectations are for the experiments of the product, such as latency")


def make(name: str, asked: Asked, stacks: Sequence[Stack]) -> "Experiment":
    """Return an experiment; pandas and scipy take a second, so simple mistakes are told before they load."""
    if name == "peers":
        from bench.peers import peer
        from bench.peers.profile import load as profile_of_peers

        size = profile_of_peers(asked.profile)
        chosen = peer.find(asked.peers or size.peers)
        from bench.peers.experiment import Peers

        return Peers(size, chosen)
    from bench.latency import profile

    found = profile.load(asked.profile)
    from bench.latency import expectations
    from bench.latency.experiment import Latency

    return Latency(found, stacks, expectations.load(asked.expectations or expectations.OURS))


def by_name() -> dict[str, type["Experiment"]]:
    """Return the experiments as those who conclude from what was recorded."""
    from bench.latency.experiment import Latency
    from bench.peers.experiment import Peers

    return {"latency": Latency, "peers": Peers}


def forget_our_environment() -> list[str]:
    """Drop our own variables and return their names: a run has a database and a deadline of its own."""
    dropped = surroundings.matching(os.environ, surroundings.OURS)
    for name in dropped:
        del os.environ[name]
    return dropped
