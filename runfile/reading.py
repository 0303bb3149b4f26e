"""A run folder, read and checked: the only module that opens the files of a run. One reader for each schema version."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from runfile import rows, v1
from runfile.columns import ALWAYS, PROCESSES, REQUESTS, filled, schema_of
from runfile.decoding import Malformed, decode
from runfile.facts import SCHEMA, Run
from runfile.files import check_regular, content
from runfile.rows import ResultRow, RunFileError, damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pyarrow as pa
    from pyarrow import parquet as pq

    from runfile.columns import Column

FILES = ("run.json", "requests.parquet", "processes.parquet", "events.jsonl", "results.csv")
LAST_EVENTS = 5
END = 65536  # bytes of the events that are looked at for the last ones
COUNTABLE = 2**63 - 1

Content = TypeVar("Content")


@dataclass(frozen=True)
class Recorded:
    """What a run left behind. `absent` says in words why a file of an unfinished run could not be used.

    `version` is that of the schema: only a run of today's can have its results derived again.
    """

    path: Path
    version: int
    run: Run
    results: tuple[ResultRow, ...] | None
    last_events: tuple[str, ...]
    present: tuple[str, ...]
    absent: dict[str, str]

    def requests(self) -> pa.Table:
        """Return requests.parquet with the columns of REQUESTS; no rows where it is absent. Raises RunFileError."""
        return self._table("requests.parquet", REQUESTS)

    def processes(self) -> pa.Table:
        """Return processes.parquet with the columns of PROCESSES; no rows where it is absent. Raises RunFileError."""
        return self._table("processes.parquet", PROCESSES)

    def _table(self, name: str, columns: tuple[Column, ...]) -> pa.Table:
        if name in self.absent or name not in self.present:
            return schema_of(columns).empty_table()
        path, is_old = self.path / name, self.version == v1.VERSION
        needed = [column.name for column in columns if not (is_old and column.name in v1.LATER)]
        with opened(path) as file:
            missing = [name for name in needed if name not in file.schema_arrow.names]
            if missing:
                raise damaged(path, f"it has no column {', '.join(missing)}")
            table = file.read()
            table = v1.table(table, columns, self.run) if is_old else filled(table, columns)
        for column in ALWAYS:
            if column in table.column_names and table[column].null_count:
                raise damaged(path, f"its column {column} has rows without a value")
        return table


def read(folder: Path, *, raw: bool = False) -> Recorded:
    """Read a run folder; `raw`: without results.csv, which may be lost, since it can be derived again.

    Raises RunFileError when it is none, when its schema is unknown, or when a finished run lacks a file or holds a
    damaged one. A run that died is read as far as it got.
    """
    if not folder.is_dir():
        raise RunFileError(f"{folder} is not a folder. Name one that `sweetspot run` made.")
    version, run = read_facts(folder / "run.json")
    absent: dict[str, str] = {}

    def optional(name: str, reader: Callable[[Path], Content]) -> Content | None:
        path = folder / name
        try:
            return reader(path)
        except FileNotFoundError:
            why, hole = f"{path} is missing. Copy the whole run folder, or run again.", f"{name} was not written."
        except (OSError, RunFileError) as error:
            why = str(error) if isinstance(error, RunFileError) else f"{path} cannot be read ({error.strerror})."
            hole = why.replace(f"{folder}/", "")  # the folder's path would change the report's bytes
        if run.state == "complete":
            raise RunFileError(why)
        absent[name] = hole
        return None

    results = None if raw else optional("results.csv", results_of)
    for table in ("requests.parquet", "processes.parquet"):
        if (folder / table).exists() or table == "requests.parquet":
            optional(table, whole)
    return Recorded(
        path=folder,
        version=version,
        run=run,
        results=results,
        last_events=_last_events(folder / "events.jsonl"),
        present=tuple(name for name in FILES if (folder / name).is_file()),
        absent=absent,
    )


def results_of(path: Path) -> tuple[ResultRow, ...]:
    """Return the rows of results.csv. Raises as `rows.read`, also where a number is beyond all that can be."""
    found = rows.read(path)
    rows.check(path, found)
    return found


def read_facts(path: Path) -> tuple[int, Run]:
    """Read run.json of any known version. Raises RunFileError when it is absent, damaged or of another schema."""
    try:
        text = content(path)
        values: Any = json.loads(text, parse_float=measured, parse_int=countable, parse_constant=measured)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RunFileError(
            f"{path.parent} is not a run folder: it has no run.json. Name a folder that `sweetspot run` made, "
            "such as runs/20261122T131500Z-quick."
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise RunFileError(f"{path} cannot be read ({error}). Restore it from a copy, or run again.") from error
    schema = values.get("schema") if isinstance(values, dict) else None
    try:
        if is_of(schema, v1.SCHEMA):
            return v1.VERSION, v1.run_of(values)
        if is_of(schema, SCHEMA):
            return 2, decode(Run, text)
    except (Malformed, LookupError, TypeError, ValueError, AttributeError) as error:
        raise RunFileError(
            f"{path}: {error}. The file was edited or comes from another version of sweetspot: take the folder as the "
            "run wrote it, or run again."
        ) from error
    raise RunFileError(
        f"{path} has the schema {schema!r}; this sweetspot reads {v1.SCHEMA!r} and {SCHEMA!r}. "
        "Read it with the version of sweetspot that ran it."
    )


def measured(text: str) -> float:
    """Return a number of run.json. Raises ValueError where it is more than any run can measure, or none."""
    number = float(text)
    if not abs(number) <= rows.MOST:
        raise ValueError(f"it says {text[:40]}, more than any run can measure")
    return number


def countable(text: str) -> int:
    """Return an integer of run.json, such as a time in ns. Raises ValueError where it is none that 64 bits hold."""
    if len(text) > len(str(COUNTABLE)) + 1 or abs(int(text)) > COUNTABLE:
        raise ValueError(f"it says {text[:40]}, more than any run can count")
    return int(text)


def is_of(schema: object, known: str) -> bool:
    """Whether a schema is the known one, or a later revision of it that only adds: `sweetspot.run/2.1`."""
    return re.fullmatch(rf"{re.escape(known)}(\.\d+)*", str(schema)) is not None


@contextmanager
def opened(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file. Raises FileNotFoundError, and RunFileError where it, or what is done with it, is damaged."""
    from pyarrow import ArrowException
    from pyarrow import parquet as pq

    try:
        check_regular(path)
        # ParquetFile and not read_table: the latter loads the dataset machinery, a fifth of a second for nothing.
        with pq.ParquetFile(path) as file:
            yield file
    except FileNotFoundError:
        raise
    except (ArrowException, OSError, TypeError, ValueError) as error:
        raise damaged(path, str(error)) from error


def whole(path: Path) -> bool:
    """Open a Parquet file, for which its end is read: all that a cut one lacks. Raises as `opened`."""
    with opened(path):
        return True


def _last_events(path: Path) -> tuple[str, ...]:
    """Return the last events in words. A line that the dying run left half-written is passed over."""
    if not path.is_file():
        return ()
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - END))
        lines = file.read(END).decode(errors="replace").splitlines()[-LAST_EVENTS:]
    return tuple(words for words in map(_event, lines) if words)


def _event(line: str) -> str:
    try:
        event = json.loads(line)
        rest = ", ".join(f"{name} {value}" for name, value in event.items() if name not in ("t", "event"))
    except (ValueError, AttributeError, RecursionError):  # half a line, or no table
        return ""
    return f"{event.get('t', '')} {event.get('event', '')}" + (f": {rest}" if rest else "")
