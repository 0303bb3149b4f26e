"""What template.html is filled with: sentences, tables and figures of one run. Below `page.py`, above their makers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reports import by_rate, capacity, figures, gates, method, ratios, standing, summary, verdict, view
from reports.results import RAW_LIMIT
from reports.wording import facts

if TYPE_CHECKING:
    from reports.record import Run
    from reports.runfolder import RunFolder
    from reports.standing import Standing
    from reports.view import View

FILES = {
    "run.json": "settings, seed, machine, versions, ratios, capacity, promises, gates",
    "results.csv": "every number of the tables and of the figures but the tail, tidy, one per row",
    "requests.parquet": "one row per scheduled request: intended, sent, done, status, outcome, stages",
    "processes.parquet": "processor, memory and threads of every process, each second",
    "events.jsonl": "what happened when: stacks started and stopped, trials begun and ended",
}


def build(folder: RunFolder) -> dict[str, object]:
    """Return everything that template.html names, but the style."""
    run, seen, judged = folder.run, view.build(folder), standing.judge(folder)
    return {
        "run": run,
        "folder": folder,
        "standing": judged,
        "verdict": verdict.headline(seen, judged),
        "tables": summary.headline_tables(seen),
        "has_raw_limit": any(row.variant == RAW_LIMIT for row in seen.results.rows),
        "figures": figures.build(seen, claims=judged.claims),
        "titles": {name: seen.title(name) for name in seen.variants},
        "has_curves": bool(seen.curves),
        "low_load": seen.low_load,
        "tally": _tally(run, judged),
        "architectures": [each for each in run.variants if each.name not in seen.arms],
        "method": method.sentences(seen),
        "machine": machine_line(dict(run.machine)),
        "files": FILES,
        **_rising(seen, judged),
        **_gates(run),
    }


def _rising(seen: View, judged: Standing) -> dict[str, object]:
    """Return what the page says of rising load and of ratios."""
    main, rest = ratios.lines(seen)
    return {
        "rising": figures.under_rising_load(seen, claims=judged.claims),
        "brackets": capacity.table(seen),
        "points": capacity.point_tables(seen),
        "resources": by_rate.resources(seen),
        "ratios": main,
        "more_ratios": rest,
        "compares": seen.run.floors is not None or bool(seen.run.ratios),
        "floor_sentence": ratios.floor_sentence(seen),
        "floor_note": ratios.floor_note(seen),
        "crossover": ratios.crossover(seen),
    }


def _gates(run: Run) -> dict[str, object]:
    """Return the gates, those that a reader must know of apart."""
    thresholds = dict(run.settings).get("thresholds_version", "")
    noticed, passed = gates.noticed(run), gates.passed(run)
    return {"gate_tally": gates.tally(run), "noticed": noticed, "passed": passed, "thresholds": thresholds}


def _tally(run: Run, judged: Standing) -> str:
    """Return how many promises were met, missed and withheld; none is judged where nothing may be claimed."""
    if not judged.claims:
        return "not judged"
    verdicts = Counter(check.verdict for check in run.checks)
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())) or "none"


def machine_line(machine: dict[str, str]) -> str:
    """Return the machine in one line: processor, cores, memory, system."""
    named = dict(facts(tuple(machine.items())))
    cores = f"{named['cores']} cores" if "cores" in named else ""
    return ", ".join(
        text for text in (named.get("cpu", ""), cores, named.get("memory", ""), named.get("os", "")) if text
    )
