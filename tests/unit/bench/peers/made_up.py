"""Measurements of peers that are made up, with known numbers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.latency.profile import Step
from bench.load.generator import Load
from bench.machine.counters import Machine
from bench.peers.measure import Measured, Place
from bench.peers.overload import Overload
from bench.peers.peer import Peer, Request
from bench.peers.rounds import ALONE, CROWD, MODEL, NO_OP, Round
from bench.peers.slices import Slice
from bench.session.runfolder import REQUESTS, now

MS = 1_000_000
Row = tuple[float, float, float, int, str]  # intended, sent and done in ms, status, outcome


def peer(name: str = "sweetspot", title: str = "") -> Peer:
    return Peer(name, title or name.title(), "1.0", "", Path(name), ("serve",), {}, "/", Request("raw", "/"))


def sent(rows: Sequence[Row], step: int = 0) -> Load:
    """What a generator would have recorded of these requests."""
    same = {"step": step, "case": "inference", "photo_id": "a.jpg", "model_version": None, "source": None}
    listed = [
        {**same, "intended_ns": round(intended * MS), "sent_ns": _ns(sent_), "done_ns": _ns(done),
         "status": status or None, "outcome": outcome}
        for intended, sent_, done, status, outcome in rows
    ]  # fmt: skip
    wanted = [field for field in REQUESTS if field.name not in {"trial", "block", "variant", "offered_per_s"}]
    return Load(pa.Table.from_pylist(listed, schema=pa.schema(wanted)), 0, 1, 1, len(rows), [0])


def _ns(ms: float) -> int | None:
    return None if np.isnan(ms) else round(ms * MS)


def steady(count: int = 100, every_ms: float = 10.0, service_ms: float = 8.0) -> list[Row]:
    """Requests that are all answered at once."""
    return [(n * every_ms, n * every_ms, n * every_ms + service_ms, 200, "ok") for n in range(count)]


def overload(
    rows: Sequence[Row], *, load: float = 2.0, seconds: float = 1.0, before: float = 50.0, after: float | None = None
) -> Overload:
    return Overload(Step(load, seconds), before, sent(rows), after)


def rounds(
    bare_ms: float, rates: dict[int, float], latency_ms: float = 10.0, turnaround_ms: float = 0.1
) -> list[Round]:
    """One round, in which the machine is as fast before as after."""
    slices = [Slice(clients, rate, [latency_ms] * 100, {}, turnaround_ms) for clients, rate in rates.items()]
    return [Round(bare_ms, slices, bare_ms)]


def measured(
    name: str = "sweetspot",
    *,
    block: int = 1,
    no_op_ms: float = 3.0,
    bare_no_op_ms: float = 2.0,
    rate: float = 50.0,
    bare_ms: float = 20.0,
    overloads: Sequence[Overload] = (),
) -> Measured:
    return Measured(
        Place(1, block, 1, peer(name), Path()),
        {
            NO_OP: rounds(bare_no_op_ms, {CROWD: 1000 / no_op_ms}),
            MODEL: rounds(bare_ms, {ALONE: rate, CROWD: rate}),
        },
        200_000_000,
        overloads,
        Machine(0.0, 0.0, 0.0, 1.0, 1.0),
        now(),
    )
