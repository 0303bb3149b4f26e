"""`run.json` as typed records: what ran, where, and what was judged. Read by `runfolder.py`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.errors import ReportError
from reports.fields import Fields

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = "sweetspot.run/1"
STATES = ("running", "complete", "interrupted", "failed")

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Process:
    """One process of a stack, with the command that started it."""

    name: str
    roles: tuple[str, ...]
    run: tuple[str, ...]


@dataclass(frozen=True)
class Variant:
    """One architecture as it ran."""

    name: str
    title: str
    model: Pairs
    processes: tuple[Process, ...]


@dataclass(frozen=True)
class Trial:
    """One variant under load once: the unit that is compared. Rate in requests per second, times in seconds."""

    block: float | None
    variant: str
    rate: float | None
    warmup: float | None
    window: float | None


@dataclass(frozen=True)
class Check:
    """One promise with its limit; the verdict is `met`, `missed` or `withheld`."""

    title: str
    value: float | None
    low: float | None
    high: float | None
    limit: float | None
    unit: str
    verdict: str
    note: str


@dataclass(frozen=True)
class Gate:
    """One condition under which the numbers may be believed. `passed` is None where it was not judged."""

    gate: str
    title: str
    variant: str
    value: float | None
    limit: float | None
    unit: str
    passed: bool | None
    note: str


@dataclass(frozen=True)
class Run:
    """Everything that `run.json` says."""

    id: str
    profile: str
    state: str
    started_at: str
    finished_at: str
    seed: str
    command: tuple[str, ...]
    settings: Pairs
    machine: Pairs
    versions: Pairs
    variants: tuple[Variant, ...]
    trials: tuple[Trial, ...]
    checks: tuple[Check, ...]
    gates: tuple[Gate, ...]
    valid: bool | None
    reasons: tuple[str, ...]


def read(path: Path) -> Run:
    """Read run.json. Raises ReportError when it is absent, damaged or of another schema."""
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ReportError(
            f"{path.parent} is not a run folder: it has no run.json. Name a folder that `sweetspot run` made, "
            "such as runs/20261122T131500Z-quick.",
        ) from error
    except (OSError, ValueError) as error:
        raise ReportError(f"{path} cannot be read ({error}). Restore it from a copy, or run again.") from error
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        schema = values.get("schema") if isinstance(values, dict) else None
        raise ReportError(
            f"{path} has the schema {schema!r}; this report reads {SCHEMA!r}. "
            "Report it with the version of sweetspot that ran it.",
        )
    return _run(Fields(values, "run.json"))


def _run(fields: Fields) -> Run:
    state = fields.text("state")
    if state not in STATES:
        raise ReportError(
            f"run.json.state is {state!r}, not one of {', '.join(STATES)}: the file was edited; run again."
        )
    validity = fields.record("validity")
    seed = fields.number("seed")
    return Run(
        id=fields.text("id"),
        profile=fields.text("profile"),
        state=state,
        started_at=fields.text("started_at"),
        finished_at=fields.text("finished_at"),
        seed="" if seed is None else f"{seed:.0f}",
        command=fields.texts("command"),
        settings=fields.record("settings").pairs(),
        machine=fields.record("machine").pairs(),
        versions=fields.record("versions").pairs(),
        variants=tuple(_variant(each) for each in fields.records("variants")),
        trials=tuple(_trial(each) for each in fields.records("trials")),
        checks=tuple(_check(each) for each in fields.records("checks")),
        gates=tuple(_gate(each) for each in fields.records("gates")),
        valid=validity.flag("valid"),
        reasons=validity.texts("reasons"),
    )


def _variant(fields: Fields) -> Variant:
    processes = [
        Process(each.text("name"), each.texts("roles"), each.texts("run")) for each in fields.records("processes")
    ]
    name = fields.text("name")
    return Variant(name, fields.text("title") or name, fields.record("model").pairs(), tuple(processes))


def _trial(fields: Fields) -> Trial:
    block, rate = fields.number("block"), fields.number("rate_per_s")
    return Trial(block, fields.text("variant"), rate, fields.number("warmup_s"), fields.number("window_s"))


def _check(fields: Fields) -> Check:
    value, low, high, limit = (fields.number(key) for key in ("value", "low", "high", "limit"))
    unit, verdict = fields.text("unit"), fields.text("verdict") or "withheld"
    return Check(fields.text("title"), value, low, high, limit, unit, verdict, fields.text("note"))


def _gate(fields: Fields) -> Gate:
    value, limit, unit = fields.number("value"), fields.number("limit"), fields.text("unit")
    name, title, variant = fields.text("gate"), fields.text("title"), fields.text("variant")
    return Gate(name, title, variant, value, limit, unit, fields.flag("passed"), fields.text("note"))
