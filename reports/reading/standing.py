"""What a run may claim, and the notices that say why not. Decided once here, obeyed by every sentence of the page."""

from collections import Counter
from collections.abc import Sequence
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
WORST_FIRST = ("fail", "warn", "not judged", "pass")
TALLY = {"pass": "passed", "warn": "passed with a warning", "fail": "failed", "not judged": "not judged"}


@dataclass(frozen=True)
class Notice:
    """A box at the top of the page; the gates are those that failed, reasons whatever else is wrong."""

    stamp: str
    text: str
    reasons: tuple[str, ...]
    advice: str
    gates: tuple[Gate, ...] = ()


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
        text = f"{ENDINGS[run.state]} This page shows what was written until then and claims nothing."
        last = (f"Among its last events: {event}" for event in folder.last_events)
        reasons = (*folder.absent.values(), *run.validity.reasons, *last)
        return [Notice("Not finished", text, reasons, "Run it again with the command under Reproduce.")]
    doubtful = {name: found for name, found in run.found.items() if not _trusted(run, found)}
    return [_invalid(run, doubtful)] if doubtful else []


def _trusted(run: Run, found: Found) -> bool:
    return found.validity.valid and not _failed(run.gates, found.gates)


def _failed(*of: Sequence[Gate]) -> tuple[Gate, ...]:
    return tuple(gate for gates in of for gate in gates if gate.verdict == "fail")


def _invalid(run: Run, doubtful: dict[str, Found]) -> Notice:
    bad = _failed(run.gates, *(found.gates for found in doubtful.values()))
    of = "below" if len(doubtful) == len(run.found) else f"of {listed(list(doubtful))}"
    gates = f"{counted(len(bad), 'gate')} failed. " if bad else ""
    told = tuple(f"{gate.gate}: " for gate in bad)  # what begins so is told of the gate itself, in words of the page
    reasons = dict.fromkeys(reason for found in doubtful.values() for reason in found.validity.reasons)
    return Notice(
        "Not valid",
        f"{gates}The numbers {of} may be wrong and carry no claim.",
        tuple(reason for reason in reasons if not reason.startswith(told)),
        " ".join(dict.fromkeys(gate.advice for gate in bad if gate.advice)) or "See the gates, then run again.",
        bad,
    )


def tally(gates: Sequence[Gate]) -> str:
    """Return how many gates passed, warned, failed and were not judged."""
    counts = Counter[str](gate.verdict for gate in gates)
    return ", ".join(f"{counts[name]} {words}" for name, words in TALLY.items() if counts[name]) or "none judged"


def worst_first(gates: Sequence[Gate]) -> list[Gate]:
    """Return the gates in order of their verdicts, and beside each other what is one gate for several variants."""
    places = list(dict.fromkeys(gate.gate for gate in gates))
    return sorted(gates, key=lambda gate: (WORST_FIRST.index(gate.verdict), places.index(gate.gate)))
