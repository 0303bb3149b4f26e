"""What a run may claim, and the notices that say why not. Decided once here, obeyed by every sentence of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.judgements import FAIL
from reports.wording import counted

if TYPE_CHECKING:
    from reports.judgements import Gate
    from reports.record import Run
    from reports.runfolder import RunFolder

SMOKE = "smoke"
SMOKE_BANNER = "This run proves that everything works; it is too short for claims."
ADVICE = {
    "G1": "Close other programs and run again; if the generator is still late, lower the rates.",
    "G2": "Lower the rates: the generator had no room for more requests in flight.",
    "G9": "Look for retries in the client: more requests went out than were recorded.",
    "G10": "Look at the rows with the outcome wrong in requests.parquet, and compare nothing until there are none.",
    "cores": "Run on a machine with at least two cores: the generator slowed down what it measured.",
}
ENDINGS = {
    "running": "The run has not said that it ended: it is still under way, or it died without a word.",
    "interrupted": "The run was interrupted.",
    "failed": "The run failed.",
}


@dataclass(frozen=True)
class Notice:
    """A box at the top of the page."""

    stamp: str
    text: str
    reasons: tuple[str, ...]
    advice: str


@dataclass(frozen=True)
class Standing:
    """Whether the page may claim anything; `why_not` completes the sentence "No verdict: ..."."""

    claims: bool
    why_not: str
    notices: tuple[Notice, ...]

    @property
    def smoke_only(self) -> bool:
        """A smoke run with nothing wrong: its one statement is that everything works."""
        return self.why_not == SMOKE


def judge(folder: RunFolder) -> Standing:
    """Judge a run. It may claim only if it is complete, valid, passed every gate and is no smoke run."""
    run = folder.run
    finished, trusted = run.state == "complete", bool(run.valid) and not _failed(run)
    if not finished:
        return Standing(claims=False, why_not="the run did not finish", notices=(_unfinished(folder),))
    if not trusted:
        why = "it is not valid" if _judged(run) else "nobody judged whether it is valid"
        short = "is too short for claims, and " if run.profile == SMOKE else "cannot be relied on: "
        return Standing(claims=False, why_not=f"the run {short}{why}", notices=(_invalid(run),) if _judged(run) else ())
    if run.profile == SMOKE:
        return Standing(claims=False, why_not=SMOKE, notices=())
    return Standing(claims=True, why_not="", notices=())


def _judged(run: Run) -> bool:
    return run.valid is not None or bool(_failed(run))


def _failed(run: Run) -> list[Gate]:
    return [gate for gate in run.gates if gate.verdict == FAIL]


def _unfinished(folder: RunFolder) -> Notice:
    text = f"{ENDINGS[folder.run.state]} This page shows what was written until then and claims nothing."
    last = (f"Among its last events: {event}" for event in folder.last_events)
    reasons = (*folder.absent.values(), *folder.run.reasons, *last)
    return Notice("Not finished", text, reasons, "Run it again with the command under Reproduce.")


def _invalid(run: Run) -> Notice:
    failed = _failed(run)
    text = "The numbers below may be wrong and carry no claim."
    if failed:
        text = f"{counted(len(failed), 'gate')} failed. {text}"
    advice = dict.fromkeys(words for gate in failed if (words := gate.advice or ADVICE.get(gate.gate, gate.note)))
    return Notice(
        "Not valid", text, run.reasons or _named(failed), " ".join(advice) or "See the gates, then run again."
    )


def _named(gates: list[Gate]) -> tuple[str, ...]:
    return tuple(
        f"{gate.title}: not so{' for ' + gate.variant if gate.variant else ''} ({gate.gate})" for gate in gates
    )
