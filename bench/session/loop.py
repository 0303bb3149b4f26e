"""A run from beginning to end: prepare, do the steps of all experiments. Whatever happens, it is written up."""

import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

from bench.exits import Exit, Failure, UsageProblem
from bench.load.generator import DEADLINE_S
from bench.machine import cores
from bench.processes import scratch
from bench.session import preparation, writeup
from bench.session.experiment import Experiment
from bench.session.progress import follow
from bench.session.session import Session, Settings
from runfile import RunFileError
from runfile.facts import Experiments
from runfile.folder import RunFolder

if TYPE_CHECKING:
    from runfile.facts import State


def begin(settings: Settings, experiments: Sequence[Experiment]) -> Session:
    """Make the run folder, write down what is known, and get off the cores of the system under test.

    Raises UsageProblem where the folder cannot be made.
    """
    split = cores.split_cores()
    cores.stay_off(split)
    names = [each.name for each in experiments]
    try:
        folder = RunFolder(settings.out, settings.profile)
    except RunFileError as error:
        raise UsageProblem(str(error)) from error
    scratch.sweep(settings.out, f"*/{folder.work.name}")  # what runs that were killed have left there
    alive = scratch.hold(folder.work)
    folder.save(
        seed=settings.seed,
        command=tuple(settings.command),
        settings={
            "experiments": ", ".join(names),
            "photos": str(settings.photos),
            "deadline_s": DEADLINE_S,
            "thresholds_version": settings.limits.version,
            **({"variables_not_handed_on": ", ".join(settings.dropped)} if settings.dropped else {}),
        },
        machine=cores.fingerprint(split),
        versions=cores.versions(),
        experiments=Experiments().put({each.name: each.opening() for each in experiments}),
    )
    folder.event("run started", profile=settings.profile, experiments=names)
    return Session(settings, folder, split, alive)


def conduct(session: Session, experiments: Sequence[Experiment]) -> Exit:
    """Do everything, write up what there is, and say what came of it: also after Ctrl-C, and after a failure."""
    state: State = "failed"
    try:
        own = [step for each in experiments for step in each.steps(session)]
        steps = [*preparation.steps(session, experiments), *own]
        follow(steps, partial(setattr, session, "say"))
        state = "complete"
    except KeyboardInterrupt:
        state = "interrupted"  # the trial in progress is not kept: a cut window is no measurement
    except Failure as failure:
        session.failure = failure
    finally:
        with undisturbed(session):
            shutil.rmtree(session.folder.work, ignore_errors=True)
            session.alive.close()
            session.folder.event(f"run {state}", reason=str(session.failure or ""))
            writeup.write_up(session, experiments, state)
    return writeup.tell(session, experiments)


@contextmanager
def undisturbed(session: Session) -> Iterator[None]:
    """Let no signal cut the write-up short: it takes seconds, and without it the run would have no results."""

    def patience(_number: int, _frame: FrameType | None) -> None:
        session.say("writing up what was measured; a few seconds more")

    numbers = [each for each in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(each) is not signal.SIG_IGN]
    before = {number: signal.signal(number, patience) for number in numbers}
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
