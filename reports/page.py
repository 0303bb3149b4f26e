"""The page: reads a run folder, fills template.html with what `context.py` says of it, writes report.html.

A run that compares inference servers has a page of its own: peers.html, filled by `peers.py`.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from reports import context, gates, peers, runfolder
from reports.errors import ReportError
from reports.wording import counted, exact, facts, interval, moment, number

if TYPE_CHECKING:
    from reports.runfolder import RunFolder

PAGE = "report.html"
HERE = Path(__file__).parent
STYLE = HERE / "style.css"


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
        "mark": gates.mark,
        "counted": counted,
    }
    template, maker = ("peers.html", peers) if folder.run.compares_servers else ("template.html", context)
    return environment.get_template(template).render(style=STYLE.read_text(encoding="utf-8"), **maker.build(folder))
