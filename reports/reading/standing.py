"""What a run may claim, and the notices that say why not. Decided once here, obeyed by every sentence of the page."""

from dataclasses import dataclass

from reports.wording import counted, listed
from runfile import Recorded
from runfile.facts import Found, Gate, Run

TOO_SHORT = "This run proves that everything works; it is too short for claims."
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
    """Whether an experiment may claim anything; `words` stand in for its verdict where it may not.

    `short`: nothing is wrong with it, but it is too short for claims.
    """

    claims: bool = False
    words: str = ""
    short: bool = False


def judge(run: Run, found: Found) -> Standing:
    """Judge one experiment: it may claim if the run is complete, every gate passed, and it is long enough."""
    if run.state != "complete":
        return Standing(words="No verdict: the run did not finish.")
    if not _trusted(run, found):
        why = "cannot be relied on: it" if found.verdicts else "is too short for claims, and it"
        return Standing(words=f"No verdict: the run {why} is not valid.")
    if not found.verdicts:
        return Standing(words=TOO_SHORT, short=True)
    return Standing(claims=True)


def notices(folder: Recorded) -> list[Notice]:
    """Return the boxes of a run."""
    run = folder.run
    if run.state != "complete":
        return [_unfinished(folder)]
    doubtful = {name: found for name, found in run.found.items() if not _trusted(run, found)}
    return [_invalid(run, doubtful)] if doubtful else []


def _trusted(run: Run, found: Found) -> bool:
    return found.validity.valid and not failed(run.gates) and not failed(found.gates)


def failed(gates: tuple[Gate, ...]) -> list[Gate]:
    """Return the gates that failed."""
    return [gate for gate in gates if gate.verdict == "fail"]


def _unfinished(folder: Recorded) -> Notice:
    run = folder.run
    text = f"{ENDINGS[run.state]} This page shows what was written until then and claims nothing."
    last = (f"Among its last events: {event}" for event in folder.last_events)
    reasons = (*folder.absent.values(), *run.validity.reasons, *last)
    return Notice("Not finished", text, reasons, "Run it again with the command under Reproduce.")


def _invalid(run: Run, doubtful: dict[str, Found]) -> Notice:
    bad = failed((*run.gates, *(gate for found in doubtful.values() for gate in found.gates)))
    of = "below" if len(doubtful) == len(run.found) else f"of {listed(list(doubtful))}"
    gates = f"{counted(len(bad), 'gate')} failed. " if bad else ""
    reasons = dict.fromkeys(reason for found in doubtful.values() for reason in found.validity.reasons)
    advice = " ".join(dict.fromkeys(gate.advice for gate in bad if gate.advice))
    return Notice(
        "Not valid",
        f"{gates}The numbers {of} may be wrong and carry no claim.",
        tuple(reasons or map(_named, bad)),
        advice or "See the gates, then run again.",
    )


def _named(gate: Gate) -> str:
    return f"{gate.title}: not so{' for ' + gate.variant if gate.variant else ''} ({gate.gate})"
