"""What becomes of a trial that failed or was spoiled, decided once for all experiments.

It is kept, told, and tried again as long as the run's bound allows. After that a failed trial is left out: its arm is
not in this block, and the run goes on without it. A spoiled one counts as it is, and the gates judge it.
"""

from collections.abc import Callable
from typing import Any, Protocol, Self, TypeVar

from bench.exits import TrialFailed
from bench.session import trial
from bench.session.session import Session
from bench.session.trial import Where
from runfile.facts import Failed


class Spoilable(Protocol):
    """What was measured in a trial, of whatever kind."""

    def spoiled(self, reason: str) -> Self:
        """Return the same as one that does not count."""
        ...


T = TypeVar("T")
Measured = TypeVar("Measured", bound=Spoilable)


def attempt(
    session: Session,
    where: Where,
    measure: Callable[[], Measured],
    spoiled: Callable[[Measured], str],
    keep: Callable[[Session, Any], None] = trial.keep,
) -> Measured | None:
    """Measure, up to twice again if need be, and keep what was measured; None where it is left out."""
    for left in (2, 1, 0):  # one trial does not use up what is there for all
        measured = tried(session, where, measure)
        if measured is None:
            return None
        reason = again(session, where, spoiled(measured) if left else "")
        if reason:
            measured = measured.spoiled(reason)
        keep(session, measured)
        if not reason:
            return measured
    return None


def again(session: Session, where: Where, reason: str, part: str = "") -> str:
    """Return why a trial, or a part of it, is measured again, and tell it; "" where it counts as it is."""
    if not reason or not may_repeat(session):
        return ""
    what = ", ".join(each for each in (where.variant or "the turns", part) if each)
    session.say(f"{what}: measured again, because {reason}")
    return reason


def tried(session: Session, where: Where, measure: Callable[[], T]) -> T | None:
    """Measure; after a failure once more, if the bound allows."""
    for left in (1, 0):
        try:
            return measure()
        except TrialFailed as failure:
            again = bool(left) and may_repeat(session)
            note(session, where, failure, again=again)
            if not again:
                return None
    return None


def may_repeat(session: Session) -> bool:
    """Take one of the repeats that are left, if one is."""
    session.repeats -= 1
    return session.repeats >= 0


def note(session: Session, where: Where, failure: TrialFailed, *, again: bool) -> None:
    """Keep and tell a failure."""
    what = "tried again" if again else "left out of this block" if where.block else "left out"
    found = session.folder.run.found[where.experiment]
    failed = Failed(where.block, where.variant, str(failure), again, int(failure.code))
    session.folder.save_found(where.experiment, failed=(*found.failed, failed))
    session.folder.event("trial failed", block=where.block, variant=where.variant, reason=str(failure), again=again)
    session.say(f"{where.variant or 'the turns'}: {what}: {failure}")
