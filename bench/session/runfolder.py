"""A run as files: run.json, requests.parquet, processes.parquet, events.jsonl, results.csv. Written as things happen.

Every file is replaced as a whole, so that a run that dies leaves what it had, readable.
"""

import csv
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.exits import UsageProblem
from bench.load.answers import STAGES

SCHEMA = "sweetspot.run/1"
REQUESTS = pa.schema(
    [
        *[(name, pa.int32()) for name in ("trial", "block")],
        *[(name, pa.string()) for name in ("variant", "case")],
        ("step", pa.int32()),
        ("offered_per_s", pa.float64()),
        *[(name, pa.int64()) for name in ("intended_ns", "sent_ns", "done_ns")],
        ("status", pa.int32()),
        *[(name, pa.string()) for name in ("outcome", "photo_id", "model_version", "source")],
        *[(f"stage_{name}_ms", pa.float64()) for name in STAGES],
    ]
)
PROCESSES = pa.schema(
    [
        *[("t_ns", pa.int64()), ("trial", pa.int32()), ("variant", pa.string()), ("process", pa.string())],
        *[("cpu_percent", pa.float64()), ("rss_bytes", pa.int64()), ("threads", pa.int32())],
    ]
)
RESULTS = ("experiment", "variant", "case", "metric", "value", "low", "high", "unit", "n", "verdict", "offered_per_s")


def now() -> str:
    """Return the time as RFC 3339 in UTC with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class RunFolder:
    """The folder of one run, and the tables that grow with every trial."""

    def __init__(self, parent: Path, profile: str) -> None:
        stem = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{profile}"
        try:
            parent.mkdir(parents=True, exist_ok=True)
            self.path = _fresh(parent, stem)
        except OSError as error:
            raise UsageProblem(f"cannot write to {parent}: {error.strerror}; choose another --out") from error
        self.facts: dict[str, Any] = {"schema": SCHEMA, "id": self.path.name, "profile": profile, "state": "running"}
        self.requests = REQUESTS.empty_table()
        self.processes = PROCESSES.empty_table()
        self.add_trial(self.requests, [])

    @property
    def work(self) -> Path:
        """Where data of running stacks live; not part of the result."""
        return self.path / "work"

    def save(self, **facts: object) -> None:
        """Set facts of run.json and write it."""
        self.facts.update(facts)
        replace(self.path / "run.json", json.dumps(self.facts, indent=2, allow_nan=False) + "\n")

    def event(self, event: str, **facts: object) -> None:
        """Append what happened just now."""
        with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"t": now(), "event": event, **facts}, allow_nan=False) + "\n")

    def add_trial(self, requests: pa.Table, processes: Iterable[Mapping[str, object]]) -> None:
        """Append the rows of one trial to both tables and rewrite them."""
        self.requests = pa.concat_tables([self.requests, requests])
        used = pa.Table.from_pylist([dict(row) for row in processes], schema=PROCESSES)
        self.processes = pa.concat_tables([self.processes, used])
        for name, table in (("requests", self.requests), ("processes", self.processes)):
            part = self.path / f"{name}.parquet.part"
            pq.write_table(table, part)
            part.replace(self.path / f"{name}.parquet")

    def write_results(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Write results.csv; None becomes an empty field, infinity `inf`."""
        part = self.path / "results.csv.part"
        with part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, RESULTS)
            writer.writeheader()
            writer.writerows({key: "" if value is None else value for key, value in row.items()} for row in rows)
        part.replace(self.path / "results.csv")


def _fresh(parent: Path, stem: str) -> Path:
    """Make a folder that no other run has, also when two start in the same second."""
    number = 1
    while True:
        path = parent / (stem if number == 1 else f"{stem}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def replace(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one, never half of it."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
