"""The end of a run: everything derived from what was recorded, the report, the exit code. And the same again, later."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bench.exits import Exit, UsageProblem
from bench.gates import judging, thresholds
from bench.gates.thresholds import Thresholds
from bench.session import gates
from bench.session.experiment import Conclusion, Experiment, Raw
from bench.session.session import Session
from bench.stacks.photos import photos_left_out
from bench.terminal import say
from runfile import Recorded, RunFileError
from runfile import read as read_run
from runfile.decoding import encode
from runfile.facts import Found, Run, State, together
from runfile.folder import now
from runfile.folder import replace as write
from runfile.rows import ResultRow
from runfile.rows import write as write_rows

Concludes = Experiment | type[Experiment]
DERIVABLE = 2  # the schema whose raw files hold everything that numbers are derived from
TABLES = ("requests", "processes")
INTACT = "take the folder as the run wrote it, or run again"


def write_up(session: Session, experiments: Sequence[Experiment], state: State) -> None:
    """Derive everything and write it. A run without a single trial gets a results.csv without rows."""
    folder = session.folder
    folder.save(state=state, finished_at=now())  # first of all: whatever fails from here on, the run has ended
    tables = [folder.tables[name].to_pandas() for name in TABLES]
    run, rows = derived(folder.run, tables, {each.name: each for each in experiments}, session.settings.limits)
    folder.write_results(rows)
    folder.save(settings=run.settings, experiments=run.experiments, gates=run.gates, validity=run.validity)


def derived(
    run: Run, tables: Sequence[pd.DataFrame], experiments: Mapping[str, Concludes], limits: Thresholds
) -> tuple[Run, list[ResultRow]]:
    """Return the run with everything that follows from its raw tables, and the rows of results.csv. Pure."""
    rows: list[ResultRow] = []
    found: dict[str, Found] = {}
    for name in run.found:
        own = [table[table["experiment"] == name] for table in tables]
        concluded: Conclusion = experiments[name].conclude(Raw(run, own[0], own[1], limits))
        rows += concluded.rows
        found[name] = replace(run.found[name], **concluded.facts)
    own_gates = gates.of_run(limits, run.machine, run.null)
    whole = judging.validity(own_gates, *([f"the run was {run.state}"] if run.state != "complete" else []))
    validity = together([whole, *(each.validity for each in found.values())])
    settings = {**run.settings, "thresholds_version": limits.version}
    experiments_ = run.experiments.put(found)
    return replace(run, settings=settings, gates=tuple(own_gates), validity=validity, experiments=experiments_), rows


def again(path: Path, experiments: Mapping[str, type[Experiment]]) -> Path:
    """Derive results.csv again from the raw files of a run folder, and make its report. Raises UsageProblem.

    Of a folder of an older schema, or of a run that may still be going on, only what is surely nobody's is written.
    """
    try:
        recorded = read_run(path, raw=True)
        if recorded.version == DERIVABLE and "requests.parquet" not in recorded.absent:
            derive(recorded, experiments)
    except RunFileError as error:
        raise UsageProblem(str(error)) from error
    except ArithmeticError as error:  # such as a step of no seconds that was measured
        raise UsageProblem(f"{path}: its numbers contradict each other ({error}); {INTACT}") from error
    except OSError as error:
        raise UsageProblem(f"{path} cannot be written ({error.strerror}). Make it writable, or copy it.") from error
    return render(path)


def derive(recorded: Recorded, experiments: Mapping[str, type[Experiment]]) -> None:
    """Write results.csv and, of a run that has ended, run.json anew. Raises RunFileError, OSError."""
    tables = [recorded.requests().to_pandas(), recorded.processes().to_pandas()]
    run, rows = derived(recorded.run, tables, experiments, thresholds.load())
    write_rows(recorded.path / "results.csv", rows)
    if run.state != "running":
        write(recorded.path / "run.json", encode(run))


def render(folder: Path) -> Path:
    """Make the report of a run folder and return its path. Raises UsageProblem."""
    import reports

    try:
        return reports.render(folder)
    except RunFileError as error:
        raise UsageProblem(str(error)) from error


def tell(session: Session, experiments: Sequence[Experiment]) -> Exit:
    """Print the closing words and the path of the report; return what the shell gets."""
    run = session.folder.run
    rows = read_run(session.folder.path).results or ()
    for each in experiments:
        say("\n".join(each.words(run, [row for row in rows if row.experiment == each.name])))
    for line in endings(run):
        say(line)
    if session.failure is not None:
        say(f"sweetspot: {session.failure}", err=True)
    say(render(session.folder.path))
    return session.failure.code if session.failure is not None else exit_code(run)


def endings(run: Run) -> list[str]:
    """Say what was not as it should be: photos and trials left out, a run that did not end, numbers not to be used."""
    failed = [each for found in run.found.values() for each in found.failed]
    lines = [
        f"{'tried again' if each.again else 'left out'}: {each.variant or 'turns'}"
        f"{f', block {each.block}' if each.block else ''}: {each.reason}"
        for each in failed
    ]
    lines += photos_left_out(run.left_out)
    if run.state != "complete":
        lines.append(f"The run was {run.state}; what was measured before is kept.")
    if not run.validity.valid:
        lines += ["This run is not valid, do not use its numbers:", *(f"  - {each}" for each in run.validity.reasons)]
    return lines


def exit_code(run: Run) -> Exit:
    """Return what the shell gets: an interruption first, then validity, then who is missing, then thresholds."""
    if run.state == "interrupted":
        return Exit.INTERRUPTED
    lacking = [code for found in run.found.values() for code in missing(found).values()]
    if lacking and not any(found.counted for found in run.found.values()):
        return Exit(lacking[0])
    if not run.validity.valid and run.verdicts:
        return Exit.NOT_VALID  # a profile without verdicts makes no claims that could be invalid
    if lacking:
        return Exit(lacking[0])
    missed = any(check.verdict == "missed" for found in run.found.values() for check in found.checks)
    return Exit.THRESHOLD_MISSED if missed else Exit.OK


def missing(found: Found) -> dict[str, int]:
    """Return who was left out everywhere, with the exit code of the failure."""
    measured = {trial.variant for trial in found.counted}
    return {each.variant: each.code for each in found.failed if not each.again and each.variant not in measured}
