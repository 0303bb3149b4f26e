"""`run.json` as typed records: what ran, where, and what was judged. Read by `runfolder.py`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import comparison, judgements, servers
from reports.errors import ReportError
from reports.fields import Fields

if TYPE_CHECKING:
    from pathlib import Path

    from reports.comparison import Arm, Capacity, Crossover, Floor, Ratio
    from reports.judgements import Check, Gate
    from reports.servers import Peer, Withheld

SCHEMA, PEERS = "sweetspot.run/1", "peers"
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
class Step:
    """One stretch of constant load within a trial: predictions per second, and the share of capacity that they are."""

    of_capacity: float | None
    rate: float | None
    seconds: float | None


@dataclass(frozen=True)
class Trial:
    """One variant under load once: the unit that is compared. Rate in requests per second, times in seconds.

    `steps` are the stairs of rising load, empty where the load was the same throughout.
    """

    block: float | None
    variant: str
    rate: float | None
    warmup: float | None
    window: float | None
    steps: tuple[Step, ...]


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
    arms: tuple[Arm, ...]
    floors: tuple[Floor, ...] | None
    ratios: tuple[Ratio, ...]
    capacity: tuple[Capacity, ...]
    crossover: Crossover | None
    peers: tuple[Peer, ...] = ()
    withheld: tuple[Withheld, ...] = ()

    @property
    def compares_servers(self) -> bool:
        """Whether this run compares inference servers, and not the variants of the product."""
        return dict(self.settings).get("experiments") == PEERS


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
        checks=tuple(judgements.check(each) for each in fields.records("checks")),
        gates=tuple(judgements.gate(each) for each in fields.records("gates")),
        valid=validity.flag("valid"),
        reasons=validity.texts("reasons"),
        arms=tuple(comparison.arm(each) for each in fields.records("arms")),
        floors=comparison.floors(fields),
        ratios=tuple(comparison.ratio(each) for each in fields.records("ratios")),
        capacity=tuple(comparison.capacity(each) for each in fields.records("capacity")),
        crossover=comparison.crossover(fields.record("crossover")),
        peers=tuple(servers.peer(each) for each in fields.records("peers")),
        withheld=tuple(servers.withheld(each) for each in fields.records("withheld")),
    )


def _variant(fields: Fields) -> Variant:
    processes = [
        Process(each.text("name"), each.texts("roles"), each.texts("run")) for each in fields.records("processes")
    ]
    name = fields.text("name")
    return Variant(name, fields.text("title") or name, fields.record("model").pairs(), tuple(processes))


def _trial(fields: Fields) -> Trial:
    block, rate = fields.number("block"), fields.number("rate_per_s")
    steps = tuple(_step(each) for each in fields.records("steps"))
    return Trial(block, fields.text("variant"), rate, fields.number("warmup_s"), fields.number("window_s"), steps)


def _step(fields: Fields) -> Step:
    return Step(fields.number("of_capacity"), fields.number("rate_per_s"), fields.number("seconds"))
