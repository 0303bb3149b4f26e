"""What an experiment is to the session: steps to do, and a conclusion from what was recorded. The bottom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from bench.gates.thresholds import Thresholds
    from bench.session.session import Session
    from runfile.facts import Found, Run
    from runfile.rows import ResultRow

STACKS, NULL = "stacks", "null"  # what a session can prepare, once for all experiments of a run


@dataclass(frozen=True)
class Step:
    """One part of a run: what is shown is what is done; the seconds are for the remaining time only."""

    text: str
    seconds: float
    do: Callable[[], None]


@dataclass(frozen=True)
class Raw:
    """What a run recorded, of one experiment: its facts, its rows of both tables, and the thresholds of today."""

    run: Run
    requests: pd.DataFrame
    processes: pd.DataFrame
    limits: Thresholds


@dataclass(frozen=True)
class Conclusion:
    """What follows from what was recorded: rows of results.csv, and facts to be put into what the experiment found."""

    rows: Sequence[ResultRow]
    facts: dict[str, Any] = field(default_factory=dict)


class Experiment(Protocol):
    """One question that a run answers. Its name is its folder, its word on the command line, its room in a report."""

    name: ClassVar[str]
    needs: ClassVar[frozenset[str]]

    def opening(self) -> Found:
        """Return what is known before anything is measured."""
        ...

    def steps(self, session: Session) -> Sequence[Step]:
        """Return what there is to do, in order."""
        ...

    @staticmethod
    def conclude(raw: Raw) -> Conclusion:
        """Derive all numbers, gates and checks. Pure; works after half a run, and on any folder of today's schema."""
        ...

    @staticmethod
    def words(run: Run, rows: Sequence[ResultRow]) -> list[str]:
        """Return what the terminal says at the end."""
        ...
