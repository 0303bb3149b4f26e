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
from reports.reading import standing
from reports.reading.view import short
from reports.section import Section
from reports.wording import (
    around,
    counted,
    exact,
    facts,
    interval,
    listed,
    metric,
    moment,
    number,
    rate,
    sentence,
    size,
)
from runfile import Recorded, RunFileError
from runfile.facts import Machine

ROOMS = (latency, peers)
FILTERS = (around, counted, exact, facts, interval, metric, moment, number, rate, sentence, short)

PAGE = "report.html"


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

    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {each.__name__: each for each in FILTERS} | {"shell": shlex.join}
    return environment.get_template("base.html").render(context(folder))


def context(folder: Recorded) -> dict[str, object]:
    """Return everything that base.html names."""
    run = folder.run
    sections = [section for room in ROOMS if (section := room.build(folder)) is not None]
    judged = [*run.gates, *(gate for each in sections for gate in each.found.gates)]
    arms = [arm.name for arm in run.experiments.latency.arms] if run.experiments.latency else []
    return {
        "run": run,
        "folder": folder,
        "sections": sections,
        "title": title(sections),
        "notices": standing.notices(folder),
        "gates": standing.worst_first(judged),
        "gate_tally": standing.tally(judged),
        "titles": {name: words for each in sections for name, words in each.titles.items()},
        "architectures": [each for each in run.variants if each.name not in arms],
        "machine": machine_line(run.machine),
        "machine_facts": machine_facts(run.machine),
    }


def title(sections: list[Section]) -> str:
    """Return the question that the page answers, or the names of the experiments where there are several."""
    if len(sections) == 1:
        return sections[0].question
    return listed([each.name for each in sections]).capitalize() or "A run that found nothing"


def machine_line(machine: Machine) -> str:
    """Return the machine in one line: processor, cores and how they were split, memory, system."""
    system, generator, whose = set(machine.sut_cores), set(machine.generator_cores), ""
    if system and generator:
        apart = f"{counted(len(system), 'core')} for the system, {len(generator)} for the generator"
        whose = f" ({'shared by system and generator' if system & generator else apart}, over loopback)"
    cores = f"{counted(machine.cores, 'core')}{whose}" if machine.cores else ""
    memory = size(machine.memory_bytes) if machine.memory_bytes else ""
    return ", ".join(text for text in (machine.cpu, cores, memory, machine.os) if text)


def machine_facts(machine: Machine) -> dict[str, object]:
    """Return what is known of the machine by name; which cores, in words that need no glossary."""
    found = asdict(machine)
    system, generator = found.pop("sut_cores"), found.pop("generator_cores")
    return found | {"cores of the system": system, "cores of the generator": generator}
