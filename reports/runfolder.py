"""A run folder, read and checked: the only module that opens the files of a run. Feeds `page.py`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from reports import record, results, samples
from reports.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reports.record import Run
    from reports.results import Results
    from reports.samples import Curve

FILES = ("run.json", "requests.parquet", "processes.parquet", "events.jsonl", "results.csv")
LAST_EVENTS = 5

Content = TypeVar("Content")


@dataclass(frozen=True)
class RunFolder:
    """What a run left behind. `absent` says in words why a file of an unfinished run could not be used."""

    run: Run
    results: Results | None
    curves: tuple[Curve, ...]
    last_events: tuple[str, ...]
    present: tuple[str, ...]
    absent: dict[str, str]


def read(folder: Path) -> RunFolder:
    """Read a run folder.

    Raises ReportError when it is none, when its schema is unknown, or when a finished run lacks a file or holds a
    damaged one. A run that died is read as far as it got.
    """
    if not folder.is_dir():
        raise ReportError(f"{folder} is not a folder. Name one that `sweetspot run` made.")
    run = record.read(folder / "run.json")
    finished = run.state == "complete"
    absent: dict[str, str] = {}

    def optional(name: str, reader: Callable[[Path], Content]) -> Content | None:
        try:
            return reader(folder / name)
        except (OSError, ReportError) as error:
            if finished:
                raise ReportError(_why(folder / name, error)) from error
            absent[name] = _hole(folder, name, error)
            return None

    return RunFolder(
        run=run,
        results=optional("results.csv", results.read),
        curves=optional("requests.parquet", samples.read) or (),
        last_events=_last_events(folder / "events.jsonl"),
        present=tuple(name for name in FILES if (folder / name).is_file()),
        absent=absent,
    )


def _why(path: Path, error: OSError | ReportError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{path} is missing. Copy the whole run folder, or run again."
    return str(error) if isinstance(error, ReportError) else f"{path} cannot be read ({error.strerror})."


def _hole(folder: Path, name: str, error: OSError | ReportError) -> str:
    """Return why an unfinished run's file is not used, without the folder's path: that would change the bytes."""
    if isinstance(error, FileNotFoundError):
        return f"{name} was not written."
    return _why(folder / name, error).replace(f"{folder}/", "")


def _last_events(path: Path) -> tuple[str, ...]:
    """Return the last events in words. A line that the dying run left half-written is passed over."""
    if not path.is_file():
        return ()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_EVENTS:]
    return tuple(words for words in map(_event, lines) if words)


def _event(line: str) -> str:
    try:
        event = json.loads(line)
    except ValueError:
        return ""
    if not isinstance(event, dict):
        return ""
    rest = ", ".join(f"{name} {value}" for name, value in event.items() if name not in ("t", "event"))
    return f"{event.get('t', '')} {event.get('event', '')}" + (f": {rest}" if rest else "")
