"""The page: reads a run folder, asks the other modules for sentences, tables and figures, writes report.html."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from reports import figures, runfolder, standing, summary, verdict, view
from reports.errors import ReportError
from reports.results import RAW_LIMIT
from reports.wording import exact, facts, interval, moment, number, spread

if TYPE_CHECKING:
    from reports.record import Run
    from reports.runfolder import RunFolder
    from reports.standing import Standing
    from reports.view import View

PAGE = "report.html"
FILES = {
    "run.json": "settings, seed, machine, versions, checks, gates",
    "results.csv": "every number of the tables and of the first two figures, tidy, one per row",
    "requests.parquet": "one row per scheduled request: intended, sent, done, status, outcome, stages",
    "processes.parquet": "processor, memory and threads of every process, each second",
    "events.jsonl": "what happened when: stacks started and stopped, trials begun and ended",
}
HERE = Path(__file__).parent


def render(run_folder: Path) -> Path:
    """Write report.html into the run folder and return its path. The same folder gives the same bytes.

    Raises ReportError when the folder cannot be reported; a report that was there before then stays.
    """
    folder = runfolder.read(run_folder)
    page = run_folder / PAGE
    aside = run_folder / f".{PAGE}.{os.getpid()}"
    try:
        aside.write_text(html(folder), encoding="utf-8", newline="\n")
        aside.replace(page)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise ReportError(
            f"{page} cannot be written ({error.strerror}). Make the folder writable, or copy it."
        ) from error
    return page


def html(folder: RunFolder) -> str:
    """Return the page of a run that was read."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "number": number,
        "shell": shlex.join,
        "interval": interval,
        "facts": facts,
        "exact": exact,
        "moment": moment,
    }
    return environment.get_template("template.html").render(_context(folder))


def _context(folder: RunFolder) -> dict[str, object]:
    run, seen, judged = folder.run, view.build(folder), standing.judge(folder)
    return {
        "style": (HERE / "style.css").read_text(encoding="utf-8"),
        "run": run,
        "folder": folder,
        "standing": judged,
        "verdict": verdict.headline(seen, judged),
        "tables": summary.headline_tables(seen),
        "has_raw_limit": any(row.variant == RAW_LIMIT for row in seen.results.rows),
        "figures": figures.build(seen, claims=judged.claims),
        "titles": {name: seen.title(name) for name in seen.variants},
        "has_curves": bool(folder.curves),
        "tally": _tally(run, judged),
        "load": _load(seen),
        "machine": _machine(dict(run.machine)),
        "files": FILES,
    }


def _tally(run: Run, judged: Standing) -> str:
    """Return how many promises were met, missed and withheld; none is judged where nothing may be claimed."""
    if not judged.claims:
        return "not judged"
    verdicts = Counter(check.verdict for check in run.checks)
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())) or "none"


def _load(seen: View) -> dict[str, str]:
    """Return the load in words; an empty text where the run did not say."""
    trials = seen.run.trials
    return {
        "rate": spread([trial.rate for trial in trials]),
        "warmup": spread([trial.warmup for trial in trials]),
        "window": spread([trial.window for trial in trials]),
        "blocks": f"{verdict.blocks(seen):,}",
    }


def _machine(machine: dict[str, str]) -> str:
    """Return the machine in one line: processor, cores, memory, system."""
    named = dict(facts(tuple(machine.items())))
    cores = f"{named['cores']} cores" if "cores" in named else ""
    return ", ".join(
        text for text in (named.get("cpu", ""), cores, named.get("memory", ""), named.get("os", "")) if text
    )
