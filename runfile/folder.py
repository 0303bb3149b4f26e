"""A run folder as it is written: run.json, tables, events, results. Whatever happens, what was written stays readable.

Every file but events.jsonl is replaced as a whole, so that a run that dies leaves what it had.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace as changed
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from runfile import rows
from runfile.columns import PROCESSES, REQUESTS, schema_of
from runfile.decoding import encode
from runfile.facts import LEFT_OUT, Run
from runfile.rows import ResultRow, RunFileError

TABLES = {"requests": REQUESTS, "processes": PROCESSES}


def now() -> str:
    """Return the time as RFC 3339 in UTC with microseconds."""
    return utc(datetime.now(UTC))


def utc(moment: datetime) -> str:
    """Return a time in UTC as RFC 3339 with microseconds."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


class RunFolder:
    """The folder of one run, its facts, and the tables that grow with every trial."""

    def __init__(self, parent: Path, profile: str) -> None:
        """Make the folder. Raises RunFileError where nothing can be written."""
        try:
            parent.mkdir(parents=True, exist_ok=True)
            self.path = _fresh(parent, f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{profile}")
        except OSError as error:
            raise RunFileError(f"cannot write to {parent}: {error.strerror}; choose another --out") from error
        self.run = Run(id=self.path.name, profile=profile, state="running", started_at=now())
        self.tables = {name: schema_of(columns).empty_table() for name, columns in TABLES.items()}
        for name in TABLES:
            self._append(name, self.tables[name])

    @property
    def work(self) -> Path:
        """Where data of running stacks live; not part of the result."""
        return self.path / "work"

    def save(self, **facts: Any) -> None:  # noqa: ANN401 - fields of Run, which pydantic checks when they are read
        """Set facts of run.json and write it."""
        self.run = changed(self.run, **facts)
        replace(self.path / "run.json", encode(self.run))

    def save_found(self, experiment: str, **facts: Any) -> None:  # noqa: ANN401 - fields of what it found
        """Set facts of one experiment and write run.json."""
        found = changed(self.run.found[experiment], **facts)
        self.save(experiments=self.run.experiments.put({experiment: found}))

    def left_out(self, photos: Iterable[str]) -> None:
        """Note photos that are not in the catalogue, each with the reason; those that were told before stay."""
        told = "\n".join(dict.fromkeys((*self.run.left_out, *photos)))
        if told:
            self.save(settings={**self.run.settings, LEFT_OUT: told})

    def event(self, event: str, **facts: object) -> None:
        """Append what happened just now. `trial` and `t_ns` place it on a trial's clock, where it belongs to one."""
        line = json.dumps({"t": now(), "event": event, **facts}, default=str)
        with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def add_trial(self, requests: pa.Table, processes: Iterable[Mapping[str, object]] = ()) -> None:
        """Append the rows of one trial to both tables and rewrite them."""
        self._append("requests", requests)
        used = [dict(row) for row in processes]
        self._append("processes", pa.Table.from_pylist(used, schema=schema_of(PROCESSES)))

    def write_results(self, results: Iterable[ResultRow]) -> None:
        """Write results.csv."""
        rows.write(self.path / "results.csv", results)

    def _append(self, name: str, table: pa.Table) -> None:
        self.tables[name] = pa.concat_tables([self.tables[name], table])
        part = self.path / f"{name}.parquet.part"
        pq.write_table(self.tables[name], part)
        part.replace(self.path / f"{name}.parquet")


def _fresh(parent: Path, stem: str) -> Path:
    """Make a folder that no other run has, also when two start in the same second."""
    number = 1
    while True:
        path = parent / (stem if number == 1 else f"{stem}-{number}")
        with suppress(FileExistsError):
            path.mkdir()
            return path
        number += 1


def replace(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one, never half of it."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
