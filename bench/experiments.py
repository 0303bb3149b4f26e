"""What `sweetspot run` does for each experiment, from options to exit code. Below `cli.py`; heavy imports come late."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from bench.exits import Failure


def run_latency(
    experiments: Sequence[str],
    variants: Sequence[str],
    expectations: Path | None,
    *,
    profile: str,
    out: Path,
    seed: int,
    photos: Path,
) -> NoReturn:
    """Compare the variants of the product."""
    from bench.latency import profile as profiles
    from bench.stacks import stack

    chosen = profiles.load(profile)
    stacks = stack.find(variants)
    from bench.gates import thresholds
    from bench.latency import (
        closing,
        conductor,
        finish,  # pandas and scipy take a second, so simple mistakes are told before
    )
    from bench.latency import expectations as promised
    from bench.latency.run import Settings, begin

    forget_our_environment()
    settings = Settings(
        experiments=experiments,
        profile=chosen,
        stacks=stacks,
        photos=photos,
        out=out,
        seed=seed,
        checks=promised.load(expectations or promised.OURS),
        limits=thresholds.load(),
        command=["sweetspot", *sys.argv[1:]],
    )
    this = begin(settings)
    conductor.conduct(this)
    conclude(closing.closing_words(this.folder.facts, this.results), this.failure, this.folder.path)
    raise SystemExit(finish.exit_code(this))


def run_peers(names: Sequence[str], *, profile: str, out: Path, seed: int, photos: Path) -> NoReturn:
    """Compare inference servers."""
    from bench.peers import peer
    from bench.peers.profile import load

    chosen = load(profile)
    found = peer.find(names or chosen.peers)
    from bench.gates import thresholds
    from bench.peers import closing, conduct, promises
    from bench.peers.run import Settings, begin

    forget_our_environment()
    settings = Settings(
        profile=chosen,
        peers=found,
        photos=photos,
        out=out,
        seed=seed,
        promises=promises.load(),
        limits=thresholds.load(),
        command=["sweetspot", *sys.argv[1:]],
    )
    this = begin(settings)
    conduct.conduct(this)
    conclude(closing.closing_words(this.folder.facts, this.results), this.failure, this.folder.path)
    raise SystemExit(conduct.exit_code(this))


def conclude(words: Sequence[str], failure: Failure | None, folder: Path) -> None:
    """Say how a run went, and where its report is."""
    from bench.session.render import render

    click.echo("\n".join(words))
    if failure is not None:
        click.echo(f"sweetspot: {failure}", err=True)
    click.echo(render(folder))


def forget_our_environment() -> None:
    """Drop our own variables: a database or a deadline from the shell would be measured without being told."""
    for name in [name for name in os.environ if name.startswith("SWEETSPOT_")]:
        del os.environ[name]
