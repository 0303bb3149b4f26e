"""The end of a run: results.csv, checks, gates, validity from what was measured; the exit code."""

from typing import TYPE_CHECKING

from bench.analysis import checks, gates, quantities, results
from bench.exits import Exit
from bench.runfolder import now

if TYPE_CHECKING:
    from bench.conductor import Run


def write_up(run: "Run", state: str) -> None:
    """Derive everything that is derived and write it. A run without a single trial gets a results.csv without rows."""
    profile, folder = run.settings.profile, run.folder
    requests = folder.requests.to_pandas()
    requests = requests[requests["intended_ns"] >= 0]  # the warm-up is recorded, but counts for nothing
    found = quantities.collect(requests, run.limits)
    variants = [stack.name for stack in run.settings.stacks]
    judged = checks.judge(list(run.settings.checks), found, variants, verdicts=profile.verdicts)
    passed = gates.judge(run.measured, requests, found, run.bench.cores)
    validity = gates.validity(passed, run.measured)
    if state != "complete":
        validity = {"valid": False, "reasons": [f"the run was {state}", *validity["reasons"]]}
    run.results = results.rows(requests, found, profile.window_s, judged)
    folder.write_results(run.results)
    folder.save(state=state, finished_at=now(), checks=judged, gates=passed, validity=validity)


def exit_code(run: "Run") -> Exit:
    """Return what the shell gets: a failure first, then validity, then thresholds."""
    facts = run.folder.facts
    if run.failure is not None:
        return run.failure.code
    if facts["state"] == "interrupted":
        return Exit.INTERRUPTED
    if not facts["validity"]["valid"] and run.settings.profile.verdicts:
        return Exit.NOT_VALID  # a profile without verdicts makes no claims that could be invalid
    missed = any(check["verdict"] == "missed" for check in facts["checks"])
    return Exit.THRESHOLD_MISSED if missed else Exit.OK


def closing_words(run: "Run") -> list[str]:
    """Return what to print at the end: results, checks, and whether the numbers may be used."""
    facts = run.folder.facts
    lines = results.words(run.results)
    lines += [""] + [f"{check['verdict']:>9}: {check_words(check)}" for check in facts["checks"]]
    if facts["state"] != "complete":
        lines.append(f"The run was {facts['state']}; what was measured before is kept.")
    if not facts["validity"]["valid"]:
        lines += ["This run is not valid, do not use its numbers:"]
        lines += [f"  - {reason}" for reason in facts["validity"]["reasons"]]
    return lines


def check_words(check: dict[str, object]) -> str:
    """Return a check in one line: title, value with interval, limit, note."""
    value, low, high = (check[key] for key in ("value", "low", "high"))
    shown = f"{value:.3g}" if isinstance(value, float) else "-"
    around = f" [{low:.3g}, {high:.3g}]" if isinstance(low, float) and isinstance(high, float) else ""
    note = f" ({check['note']})" if check["note"] else ""
    return f"{check['title']}: {shown}{around} {check['unit']}, limit {check['limit']:g}{note}"
