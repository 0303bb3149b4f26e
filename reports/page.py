"""The page: reads a run folder, asks every room for its section, fills base.html, writes report.html.

A new experiment is a new room beside the others and its name in ROOMS.
"""

import os
import shlex
from dataclasses import asdict
from pathlib import Path

import runfile
from reports.latency import room as latency
from reports.peers import room as peers
from reports.reading import gates, standing
from reports.section import Section
from reports.wording import counted, exact, facts, interval, listed, moment, number, sentence, size
from runfile import Recorded, RunFileError
from runfile.facts import Machine

ROOMS = (latency, peers)

PAGE = "report.html"
HERE = Path(__file__).parent
STYLE = HERE / "style.css"
FILES = {
    "run.json": "settings, seed, machine, versions, and what each experiment found and judged",
    "results.csv": "every number of the tables, tidy, one per row",
    "requests.parquet": "one row per scheduled request: when and how it ended, its stages, whether it counts",
    "processes.parquet": "processor, memory and threads of every process, each second",
    "events.jsonl": "what happened when",
}


def render(run_folder: Path) -> Path:
    """Write report.html into the run folder and return its path. The same folder gives the same bytes.

    Raises RunFileError when the folder cannot be reported; a report that was there before then stays.
    """
    folder = runfile.read(run_folder)
    page = run_folder / PAGE
    aside = run_folder / f".{PAGE}.{os.getpid()}"
    try:
        aside.write_text(html(folder), encoding="utf-8", newline="\n")
        aside.replace(page)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise RunFileError(
            f"{page} cannot be written ({error.strerror}). Make the folder writable, or copy it."
        ) from error
    return page


def html(folder: Recorded) -> str:
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
        "mark": gates.mark,
        "counted": counted,
        "sentence": sentence,
    }
    return environment.get_template("base.html").render(style=STYLE.read_text(encoding="utf-8"), **context(folder))


def context(folder: Recorded) -> dict[str, object]:
    """Return everything that base.html names, but the style."""
    run = folder.run
    sections = [section for room in ROOMS if (section := room.build(folder)) is not None]
    judged = gates.worst_first([*run.gates, *(gate for each in sections for gate in each.found.gates)])
    arms = run.experiments.latency.arms if run.experiments.latency else ()
    return {
        "run": run,
        "folder": folder,
        "sections": sections,
        "title": title(sections),
        "notices": standing.notices(folder),
        "gate_tally": gates.tally(judged),
        "noticed": [gate for gate in judged if gate.verdict != "pass"],
        "passed": [gate for gate in judged if gate.verdict == "pass"],
        "titles": {name: words for each in sections for name, words in each.titles.items()},
        "architectures": [each for each in run.variants if each.name not in {arm.name for arm in arms}],
        "machine": machine_line(run.machine),
        "machine_facts": machine_facts(run.machine),
        "files": FILES,
    }


def title(sections: list[Section]) -> str:
    """Return the question that the page answers, or the names of the experiments where there are several."""
    if len(sections) == 1:
        return sections[0].question
    return listed([each.name for each in sections]).capitalize() or "A run that found nothing"


def machine_line(machine: Machine) -> str:
    """Return the machine in one line: processor, cores and who had them, memory, system."""
    cores = f"{counted(machine.cores, 'core')}{_split(machine)}" if machine.cores else ""
    memory = size(machine.memory_bytes) if machine.memory_bytes else ""
    return ", ".join(text for text in (machine.cpu, cores, memory, machine.os) if text)


def _split(machine: Machine) -> str:
    """Say how the cores were split; the load always goes over loopback."""
    system, generator = set(machine.sut_cores), set(machine.generator_cores)
    if not system or not generator:
        return ""
    if system & generator:
        return " (shared by system and generator, over loopback)"
    return f" ({counted(len(system), 'core')} for the system, {len(generator)} for the generator, over loopback)"


def machine_facts(machine: Machine) -> dict[str, object]:
    """Return what is known of the machine by name; which cores, in words that need no glossary."""
    found = asdict(machine)
    return {
        **{name: value for name, value in found.items() if not name.endswith("_cores")},
        "cores of the system": found["sut_cores"],
        "cores of the generator": found["generator_cores"],
    }
