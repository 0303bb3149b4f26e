"""A session without stacks, and an experiment whose steps and conclusion are handed in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.gates import thresholds
from bench.machine.cores import Split
from bench.session.experiment import Conclusion, Raw, Step
from bench.session.session import Session, Settings
from runfile import facts
from runfile.facts import Experiments, Validity
from runfile.folder import RunFolder
from runfile.rows import ResultRow

LIMITS = thresholds.load()
SPLIT = Split((0,), (1,), pinned=False)
VALID = Validity(valid=True)
ROW = ResultRow("latency", "one", "prediction", "response_p50", 1.5, 1.0, 2.0, "ms", 12, "", 4.0)


def nothing() -> None:
    """A step that does nothing."""


@dataclass
class Fake:
    """An experiment of as many steps as there are functions; `done` says which were done."""

    do: Sequence[Callable[[], None]] = (nothing,)
    concludes: Callable[[Raw], Conclusion] = lambda _: Conclusion([ROW], {"validity": VALID})
    verdicts: bool = True
    name: str = "latency"
    needs: frozenset[str] = frozenset()
    done: list[int] = field(default_factory=list)

    def opening(self) -> facts.Latency:
        return facts.Latency(verdicts=self.verdicts)

    def steps(self, _session: Session) -> list[Step]:
        def doing(number: int, do: Callable[[], None]) -> Callable[[], None]:
            def both() -> None:
                do()
                self.done.append(number)

            return both

        return [Step(f"step {number}", 1.0, doing(number, do)) for number, do in enumerate(self.do)]

    def conclude(self, raw: Raw) -> Conclusion:
        return self.concludes(raw)

    def words(self, _run: facts.Run, rows: Sequence[ResultRow]) -> list[str]:
        return [f"{len(rows)} rows"]


def session(tmp_path: Path, experiment: Fake | None = None) -> Session:
    """Return a session that may write."""
    folder = RunFolder(tmp_path, "fake")
    folder.save(experiments=Experiments().put({"latency": (experiment or Fake()).opening()}))
    return Session(Settings("fake", tmp_path, tmp_path, 1, LIMITS, ["sweetspot"]), folder, SPLIT)
