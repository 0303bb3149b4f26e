"""A run from beginning to end: prepare, do the steps of all experiments. Whatever happens, it is written up."""

import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from bench.exits import Exit, Failure
from bench.session import preparation, writeup
from bench.session.experiment import Experiment, Step
from bench.session.progress import Plan, progress
from bench.session.session import Session

if TYPE_CHECKING:
    from runfile.facts import State


def conduct(session: Session, experiments: Sequence[Experiment]) -> Exit:
    """Do everything, write up what there is, and say what came of it: also after Ctrl-C, and after a failure."""
    state: State = "failed"
    try:
        do(session, [*preparation.steps(session, experiments), *planned(session, experiments)])
        state = "complete"
    except KeyboardInterrupt:
        state = "interrupted"  # the trial in progress is not kept: a cut window is no measurement
    except Failure as failure:
        session.failure = failure
    finally:
        with undisturbed(session):
            shutil.rmtree(session.folder.work, ignore_errors=True)
            session.folder.event(f"run {state}", reason=str(session.failure or ""))
            writeup.write_up(session, experiments, state)
    return writeup.tell(session, experiments)


def planned(session: Session, experiments: Sequence[Experiment]) -> list[Step]:
    """Return the steps of all experiments, one after the other."""
    return [step for each in experiments for step in each.steps(session)]


def do(session: Session, steps: Sequence[Step]) -> None:
    """Do one step after the other, with progress."""
    with progress(Plan(steps)) as show:
        session.say = show.say
        for step in steps:
            show.step()
            step.do()


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
