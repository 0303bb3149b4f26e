"""What the doctor finds: one line of the checklist, with a verdict in a word, and what to do about it."""

from dataclasses import dataclass
from typing import Literal

from bench.exits import Exit

Verdict = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One point. A problem carries the exit code that it leads to: NOT_READY (no run) or NOT_VALID (no measurement)."""

    what: str
    verdict: Verdict
    found: str
    advice: str = ""
    code: Exit = Exit.OK


def ok(what: str, found: str) -> Finding:
    """Say that there is nothing to do."""
    return Finding(what, "ok", found)


def warning(what: str, found: str, advice: str) -> Finding:
    """Say that a run works, and that its numbers are worth less."""
    return Finding(what, "warning", found, advice)


def stops(what: str, found: str, advice: str) -> Finding:
    """Say that no run can start."""
    return Finding(what, "problem", found, advice, Exit.NOT_READY)


def spoils(what: str, found: str, advice: str) -> Finding:
    """Say that a run can start, and that its numbers could not be used."""
    return Finding(what, "problem", found, advice, Exit.NOT_VALID)


def exit_code(findings: list[Finding]) -> Exit:
    """Return what the shell gets; what stops a run comes before what spoils it."""
    codes = {finding.code for finding in findings}
    return next((code for code in (Exit.NOT_READY, Exit.NOT_VALID) if code in codes), Exit.OK)


def checklist(findings: list[Finding]) -> str:
    """Return the findings for people: verdict, point and what was found, and under it what to do."""
    wide = max(len(finding.what) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{finding.verdict:<7}  {finding.what:<{wide}}  {finding.found}")
        lines += [f"{'':<7}  {'':<{wide}}  -> {finding.advice}"] if finding.verdict != "ok" else []
    return "\n".join(lines)


def closing_words(findings: list[Finding]) -> str:
    """Say what it comes to."""
    warnings = sum(finding.verdict == "warning" for finding in findings)
    return {
        Exit.NOT_READY: "No run can start here before the problems above are solved.",
        Exit.NOT_VALID: "A run would start here, and its numbers could not be used, because of the problems above.",
    }.get(
        exit_code(findings),
        f"This machine can measure, with {warnings} warning{'s' if warnings > 1 else ''}." if warnings
        else "This machine can measure.",
    )  # fmt: skip
