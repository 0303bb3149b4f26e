"""What peers showed, made up, with known numbers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa

from bench.gates import thresholds
from bench.load.generator import Load
from bench.load.plan import Plan
from bench.load.schedule import WARM_UP
from bench.machine.cores import Split
from bench.peers import overload as overloads
from bench.peers.asking import Photo
from bench.peers.overload import Shown
from bench.peers.peer import Peer, Request
from bench.peers.profile import Profile, load
from bench.peers.results import Numbers, collect
from bench.peers.sitting import Measured
from bench.peers.slices import ALONE, CASES, CROWD, MODEL, NO_OP, Asked, Exchange
from bench.session.session import Session, Settings
from bench.session.trial import Where
from runfile import facts
from runfile.columns import REQUESTS, filled
from runfile.facts import Experiments, ImagePath, Overload, PeerTrial, Promise, Round, Slice, Usage
from runfile.folder import RunFolder
from tests.unit.bench.peers import fake

MS = 1_000_000
LIMITS = thresholds.load()
QUICK = load("quick")
Row = tuple[float, float, float, int, str]  # intended, sent and done in ms, status, outcome


def profile(**changes: object) -> Profile:
    return replace(QUICK, **changes)  # type: ignore[arg-type]


def peer(name: str = "sweetspot", title: str = "") -> Peer:
    return Peer(
        name=name, folder=Path(name), title=title or name.title(), release="1.0", form="", run=("serve",), ready="/",
        request=Request("raw", "/"),
    )  # fmt: skip


def session(tmp_path: Path, opening: facts.Found | None = None, *, repeats: int = 0) -> Session:
    """Return a session that may write; nobody is pinned, since this process has other tests to run."""
    folder = RunFolder(tmp_path / "runs", "made-up")
    folder.save(experiments=Experiments().put({"peers": opening or facts.Peers()}))
    settings = Settings("made-up", tmp_path, tmp_path / "runs", 1, LIMITS, ["sweetspot"])
    return Session(settings, folder, Split((0,), (1,), pinned=False), repeats=repeats)


def sent(rows: Sequence[Row], step: int = 0) -> Load:
    """What a generator would have recorded of these requests."""
    same = {"step": step, "case": "inference", "photo_id": "a.jpg"}
    listed = [
        {**same, "intended_ns": round(intended * MS), "sent_ns": _ns(sent_), "done_ns": _ns(done),
         "status": status or None, "outcome": outcome}
        for intended, sent_, done, status, outcome in rows
    ]  # fmt: skip
    own = tuple(column for column in REQUESTS if column.name not in {"counted", "offered_per_s"})
    return Load(filled(pa.Table.from_pylist(listed), own), 0, 1, 1, len(rows), [0])


def _ns(ms: float) -> int | None:
    return None if np.isnan(ms) else round(ms * MS)


def steady(count: int = 100, every_ms: float = 10.0, service_ms: float = 8.0) -> list[Row]:
    """Requests that are all answered at once."""
    return [(n * every_ms, n * every_ms, n * every_ms + service_ms, 200, "ok") for n in range(count)]


LATE = [(n * 10.0, n * 10.0 + 40, n * 10.0 + 50, 200, "ok") for n in range(100)]


@dataclass(frozen=True)
class Step:
    """One step of an overload, and what came of its requests."""

    rows: Sequence[Row] = field(default_factory=steady)
    load: float = 2.0
    before: float = 50.0
    after: float | None = None
    reason: str = ""

    def fact(self, number: int = 0, seconds: float = 1.0) -> Overload:
        return Overload(number, self.load, seconds, self.load * self.before, self.before, self.after, 1, self.reason)

    def table(self, number: int = 0) -> pa.Table:
        return overloads.table(self.fact(number), sent(self.rows).table)


def shown(*rows: Row, slo_ms: float = 200.0, **more: float) -> Shown:
    step = Step(rows, **more)  # type: ignore[arg-type]
    return Shown(step.fact(), slo_ms, step.table().to_pandas())


def asked(clients: int = CROWD, latency_ms: float = 10.0, count: int = 100) -> Asked:
    """A slice in which client 0 has so many answers."""
    took = round(latency_ms * MS)
    return Asked(clients, 3600.0, [Exchange(0, n * took, (n + 1) * took, "a.jpg", 200, "ok") for n in range(count)])


def round_of(bare_ms: float, rates: dict[int, float], turnaround_ms: float | None = 0.1, reason: str = "") -> Round:
    """A round in which the machine is as fast before as after."""
    slices = tuple(Slice(clients, rate, turnaround_ms, 100) for clients, rate in rates.items())
    return Round(bare_ms, slices, bare_ms, reason)


def measured(
    name: str = "sweetspot",
    *,
    block: int = 1,
    no_op_ms: float = 3.0,
    bare_ms: float = 20.0,
    steps: Sequence[Step] = (Step(before=100.0),),
    steal: float = 0.0,
    turnaround_ms: float | None = 0.1,
) -> Measured:
    """One peer in one block; its trial is numbered by both."""
    where = Where("peers", block, name, 1)
    number = block * 100 + sum(map(ord, name))
    rounds = {
        NO_OP: (round_of(2.0, {CROWD: 1000 / no_op_ms}),),
        MODEL: (round_of(bare_ms, {ALONE: 50.0, CROWD: 50.0}, turnaround_ms),),
    }
    closed = [asked(clients).table(CASES[key, clients], index) for index, (key, clients) in enumerate(CASES)]
    trial = PeerTrial(
        number, block, name, rounds=rounds, capacity_per_s=50.0, memory_bytes=200_000_000,
        overloads=tuple(step.fact(len(closed) + index) for index, step in enumerate(steps)),
        usage=Usage(steal, 0.0, 0.0, 1.0, 1.0), canary_ms=20.0,
    )  # fmt: skip
    return Measured(where, trial, [*closed, *(s.table(len(closed) + i) for i, s in enumerate(steps))])


def own(each: Sequence[Measured], images: Sequence[ImagePath] = (), **more: object) -> facts.Peers:
    return facts.Peers(trials=tuple(m.trial for m in each), images=tuple(images), slo_ms=200.0, **more)  # type: ignore[arg-type]


def requests(each: Sequence[Measured]) -> pd.DataFrame:
    return pa.concat_tables([m.requests() for m in each] or [filled(pa.table({}), REQUESTS)]).to_pandas()


def found(*each: Measured, images: Sequence[ImagePath] = ()) -> Numbers:
    return collect(own(each, images), requests(each), LIMITS)


def promise(**changes: object) -> Promise:
    half = Promise("half of the best", "sweetspot", "no-op", "own_cost", "at most", 0.5, "best peer", "ms")
    return replace(half, **changes)  # type: ignore[arg-type]


@dataclass
class Vision:
    """The bare model whose speeds are known beforehand, 20 ms when there are none left; what is done is noted."""

    speeds: Sequence[float] = ()
    done: list[object] = field(default_factory=list)
    fails: Exception | None = None

    def labelled(self, _model: str) -> list[Photo]:
        return fake.PHOTOS

    def image_path(self, block: int, _seconds: float) -> ImagePath:
        if self.fails:
            raise self.fails
        return ImagePath(block, 6.0, 2.0, 50, 50)

    @contextmanager
    def bare_loop(self, _model: str) -> Iterator["Bare"]:
        self.done.append("started")
        try:
            yield Bare(self.done, iter(self.speeds))
        finally:
            self.done.append("stopped")


@dataclass
class Bare:
    """A bare loop."""

    done: list[object]
    speeds: Iterator[float]

    def turn(self, _seconds: float) -> SimpleNamespace:
        self.done.append("bare")
        return SimpleNamespace(mean_ms=next(self.speeds, 20.0))


@dataclass(frozen=True)
class Gave:
    """A slice of this rate."""

    clients: int
    rate_per_s: float
    turnaround_ms: float

    def facts(self, step: int) -> Slice:
        some = self.rate_per_s > 0
        return Slice(self.clients, self.rate_per_s, self.turnaround_ms, 1, {} if some else {"wrong": 3}, step)

    def table(self, case: str, step: int) -> pa.Table:
        return asked(self.clients, count=1).table(case, step)


class Clients:
    """Clients that ask nobody: each slice is noted, and has the next rate, 50 when there is none left."""

    def __init__(self, done: list[object], *rates: float, turnaround_ms: Sequence[float] = ()) -> None:
        self.done, self.rates, self.turnarounds = done, iter(rates), iter(turnaround_ms)
        self.lengths: list[float] = []

    def turn(self, clients: int, seconds: float) -> Gave:
        self.done.append(clients)
        self.lengths.append(seconds)
        return Gave(clients, next(self.rates, 50.0), next(self.turnarounds, 0.1))


@dataclass
class Running:
    """A peer that runs somewhere else."""

    base_url: str = "http://127.0.0.1:1"
    peer: Peer = field(default_factory=fake.fastapi)
    process: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(pid=1, must_run=lambda: None))


def sending(done: list[object], late: Sequence[bool] = ()) -> Callable[[Plan], Load]:
    """Send at once what a plan holds, or as much too late as `late` says for each plan in turn."""
    turns = iter(late)

    def send(plan: Plan) -> Load:
        lag = 40 if next(turns, False) else 0
        own_rows = plan.schedule.offset_ns[plan.schedule.step != WARM_UP] / MS
        done.append(len(own_rows))
        return sent([(at, at + lag, at + lag + 8, 200, "ok") for at in own_rows])

    return send
