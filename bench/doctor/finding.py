"""What the doctor finds: one line of the checklist, with a verdict in a word, and what to do about it."""

from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from bench.exits import Exit

Verdict = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One point. A problem carries the exit code that it leads to: NOT_READY (no run) or NOT_VALID (no measurement)."""

    what: str
    verdict: Verdict = field(kw_only=True)
    found: str
    advice: str = ""
    code: Exit = field(default=Exit.OK, kw_only=True)


ok = partial(Finding, verdict="ok")
warning = partial(Finding, verdict="warning")  # a run works, and its numbers are worth less
stops = partial(Finding, verdict="problem", code=Exit.NOT_READY)  # no run can start
spoils = partial(Finding, verdict="problem", code=Exit.NOT_VALID)  # a run can start, and its numbers cannot be used


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
    code, warnings = exit_code(findings), sum(finding.verdict == "warning" for finding in findings)
    if code == Exit.NOT_READY:
        return "No run can start here before the problems above are solved."
    if code == Exit.NOT_VALID:
        return "A run would start here, and its numbers could not be used, because of the problems above."
    plural = "s" if warnings > 1 else ""
    return f"This machine can measure, with {warnings} warning{plural}." if warnings else "This machine can measure."
