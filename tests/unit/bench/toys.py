"""What the tests of the harness share: the toy variant, variants of a few lines of TOML, trials that are made up."""

from collections.abc import Callable, Sequence

import pandas as pd
import pyarrow as pa

from bench.gates import thresholds
from bench.latency import ratios as comparison
from bench.latency.gates import Null, Session, judge
from bench.latency.ladder import Rung
from bench.latency.trial import Arm, Measured, Trial
from bench.load import options
from bench.load.generator import Load
from bench.load.plan import Plan, Target
from bench.load.samples import Samples
from bench.load.schedule import Phase, draw
from bench.machine.cores import Split
from bench.machine.counters import Machine
from bench.session.runfolder import PROCESSES, REQUESTS, now
from bench.statistics import quantities, steps
from tests.unit.bench.variants import TINY, TOY, copy_of_toy, place, variant  # noqa: F401 - still imported here

LABELS = ("tabby", "tiger cat", "lynx", "teapot", "stove")
TARGETS: list[Target] = [
    {"id": name, "path": name, "labels": LABELS} for name in (f"photo-{number}" for number in range(7))
]
LIMITS = thresholds.load()
CORES = Split((0,), (1,), pinned=True)
ONE, TWO = Arm("one", None), Arm("two", None)
RUNG = Rung(rate_per_s=40.0, of_capacity=0.1, seconds=2.0, pause_s=0.3)
IDLE = Machine(steal_share=0.0, throttled_s=0.0, pressure_share=0.0, busy_s=0.2, wall_s=2.0)
MS = 1e6


def request(
    intended_ms: float = 1.0, sent_ms: float | None = 2.0, done_ms: float | None = 12.0, **more: object
) -> dict[str, object]:
    """Make up a row of requests.parquet: a good prediction, unless more is said."""
    times = {"intended_ns": intended_ms, "sent_ns": sent_ms, "done_ns": done_ms}
    row = {"trial": 1, "block": 1, "variant": "v", "case": "prediction", "step": 0, "offered_per_s": 4.0}
    row |= {key: None if ms is None else round(ms * MS) for key, ms in times.items()}
    return {**row, "outcome": "ok", **more}


def table(*rows: dict[str, object]) -> pd.DataFrame:
    """Return rows in the form in which a run reads them from its folder."""
    return pa.Table.from_pylist(list(rows), schema=REQUESTS).to_pandas()


def measured(
    arm: Arm,
    where: tuple[int, int, int] = (1, 1, 1),
    rungs: Sequence[Rung] = (RUNG,),
    *,
    service_ms: float = 10.0,
    lag_ms: float = 0.1,
) -> Measured:
    """Make up a trial in which every prediction is sent `lag_ms` late and then answered after `service_ms`.

    `where` is its number, its block, and its position in the block.
    """
    trial = Trial(*where, arm, rungs)
    steps = [rung.phase({}) for rung in rungs]
    schedule = draw(Phase(0.0, {}), steps, len(TARGETS), arrivals="constant", seed=(trial.block,))
    samples = Samples.empty(len(schedule), "ok")
    samples.numbers["sent_ns"][:] = schedule.offset_ns + round(lag_ms * MS)
    samples.numbers["done_ns"][:] = samples.sent_ns + round(service_ms * MS)
    rows = options.table_of(Plan("", schedule, TARGETS, 10.0), samples)
    load = Load(rows, 0, 1, connections=1, requests_sent=len(schedule), loop_lag_ns=[round(MS / 10)] * 20)
    return Measured(trial, schedule, load, [], IDLE, {"web": 1_000_000}, now())


def blocks(arms: Sequence[Arm], took: Callable[[int, int, int], float], count: int = 4) -> list[Measured]:
    """Make up blocks whose arms change places; `took` gives the milliseconds by block, arm and position, from 0."""
    trials: list[Measured] = []
    for block in range(count):
        for position in range(len(arms)):
            arm = (position + block) % len(arms)
            where = (len(trials) + 1, block + 1, position + 1)
            trials.append(measured(arms[arm], where, service_ms=took(block, arm, position)))
    return trials


def session(*trials: Measured, arms: Sequence[Arm] = (ONE,), cores: Split = CORES, null: Null | None = None) -> Session:
    """Return what the gates look at, for trials that are made up; none of their processes used any CPU."""
    requests = pa.concat_tables([each.requests() for each in trials]).to_pandas()
    nobody, facts = PROCESSES.empty_table().to_pandas(), []
    for each in trials:
        own = requests[requests["trial"] == each.trial.number]
        facts.append(steps.of_trial(each.record(), own, nobody, slo_ms=250.0, most=LIMITS["G7"].passes))
    found = quantities.collect(requests, {})
    again, of = next(((arm.name, arm.of) for arm in arms if arm.kind == "A/A"), ("", ""))
    return Session(
        LIMITS, cores, null, arms, trials, requests, found, facts, comparison.floors(found, again, of, set())
    )


def gate(found: Session, name: str, arm: str = "") -> dict[str, object]:
    """Judge, and return the only gate of that name for that arm."""
    (one,) = [each for each in judge(found) if (each["gate"], each["variant"]) == (name, arm)]
    return one
