"""`sweetspot compare BASE NEW` from beginning to end: read, compare, print, and the exit code."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click
import numpy as np

from bench.comparing import machine, reservations, rows, words
from bench.comparing.machine import Movement
from bench.comparing.row import UNTOLD, Row
from bench.comparing.side import Side, read
from bench.exits import Exit, UsageProblem

SCHEMA = "sweetspot.compare/1"


@dataclass(frozen=True)
class Comparison:
    """Everything that is said about two runs, in the order in which it is said."""

    base: str
    new: str
    same_run: bool
    not_valid: Sequence[str]
    machine: Sequence[Movement]
    obstacles: Sequence[str]
    differences: Sequence[str]
    rows: Sequence[Row]

    @property
    def code(self) -> Exit:
        """What the shell gets: validity first, then whether something is surely slower."""
        if self.not_valid:
            return Exit.NOT_VALID
        return Exit.THRESHOLD_MISSED if self.rows_with("slower") else Exit.OK

    def rows_with(self, verdict: str) -> list[Row]:
        """Return the rows with that verdict."""
        return [row for row in self.rows if row.verdict == verdict]


def compare(base: Path, new: Path, out: Path | None) -> Exit:
    """Compare two run folders and print what was found. Raises UsageProblem if they cannot be compared."""
    found = comparison(read(base), read(new))
    click.echo("\n".join(lines(found)))
    if out is not None:
        save(found, out)
    return found.code


def comparison(base: Side, new: Side) -> Comparison:
    """Compare two runs. Raises UsageProblem if they have nothing in common."""
    if not set(base.variants) & set(new.variants):
        have = " and ".join(", ".join(side.variants) or "none" for side in (base, new))
        raise UsageProblem(f"the runs have no variant in common: {have}; run the same variants twice")
    moved = machine.movements(base, new)
    band = machine.band(moved)
    invalid, obstacles = reservations.not_valid(base, new), reservations.obstacles(base, new, band)
    table = rows.compare(base, new, band)
    if invalid or obstacles:
        table = [row if row.verdict == "not comparable" else replace(row, verdict=UNTOLD, why="") for row in table]
    differences = reservations.differences(base, new)
    return Comparison(base.id, new.id, base.folder == new.folder, invalid, moved, obstacles, differences, table)


def lines(found: Comparison) -> list[str]:
    """Return everything for people."""
    same = ["BASE and NEW are the same run."] if found.same_run else []
    parts = [
        [f"BASE {found.base}", f"NEW  {found.new}", *same, *found.not_valid],
        words.machine_words(found.machine),
        ["The runs also differ in:", *(f"  {each}" for each in found.differences)] if found.differences else [],
        words.table(found.rows),
        closing(found),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part).splitlines()


def closing(found: Comparison) -> list[str]:
    """Say what it comes to."""
    if found.not_valid:
        return ["Not valid: nothing is claimed."]
    if found.obstacles:
        return [f"Nothing is claimed: {'; '.join(found.obstacles)}."]
    told = [f"{len(found.rows_with(word))} {word}" for word in ("slower", "faster") if found.rows_with(word)]
    compared = len(found.rows) - len(found.rows_with("not comparable"))
    return [f"NEW against BASE: {', '.join(told) or 'no difference told'}, of {compared} numbers compared."]


def save(found: Comparison, path: Path) -> None:
    """Write the same as JSON. Raises UsageProblem."""
    facts = {"schema": SCHEMA, **asdict(found), "exit_code": int(found.code)}
    try:
        path.write_text(json.dumps(finite(facts), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageProblem(f"cannot write to {path}: {error.strerror}; choose another --json") from error


def finite(value: object) -> object:
    """Return the same without infinite numbers, which JSON cannot hold: they become null."""
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
