"""The options of the Locust process, and what they stand for: a plan to send, a file of samples to write."""

import json
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from bench.exits import UsageProblem
from bench.load.plan import Plan, Target
from bench.load.samples import Samples
from bench.load.schedule import ARRIVALS, Phase, draw
from bench.stacks.contract import PATHS
from bench.stacks.verify import Asker
from runfile.columns import ANSWERED, MEASURED, OUTCOME, SCHEDULED, TIME, Column, arrow_type, schema_of

MIX = "prediction=2,metadata=2,page=1,image=1"
PLAN_DEADLINE_S, PLAN_POLL_S = 120.0, 0.02


def add_options(parser: ArgumentParser) -> None:
    """Add ours to Locust's own; the web page shows them, too."""
    group = parser.add_argument_group("Open loop (sweetspot)")
    group.add_argument("--rate", default="5", metavar="R[,R...]", help="requests per second; several are steps")
    group.add_argument("--seconds", type=float, default=60.0, help="seconds of each step")
    group.add_argument("--warmup", type=float, default=5.0, help="seconds at the first rate that are not measured")
    group.add_argument("--mix", default=MIX, help="shares of the routes: prediction, metadata, page, image")
    group.add_argument("--arrivals", default="poisson", choices=ARRIVALS, help="how requests follow each other")
    group.add_argument("--seed", type=int, default=1, help="the same seed draws the same requests")
    group.add_argument("--deadline", type=float, default=10.0, help="seconds from a request's intended time")
    group.add_argument("--samples", default="", help="Parquet file to write, one row for each request")
    group.add_argument("--plan", default="", help="a plan from the harness, instead of all of these")


def plan_of(options: Namespace, host: str) -> Plan:
    """Return the plan that the options stand for. Raises UsageProblem, or StackFailed where nobody answers."""
    if options.plan:
        return awaited(Path(options.plan))
    rates, mix = rates_of(options.rate), mix_of(options.mix)
    if not (options.seconds > 0 and options.warmup >= 0 and options.deadline > 0 and options.seed >= 0):
        raise UsageProblem("--seconds and --deadline must be more than 0, --warmup and --seed 0 or more")
    steps = [Phase(options.seconds, {case: rate * share for case, share in mix.items()}) for rate in rates]
    warm_up = Phase(options.warmup, steps[0].rates)
    targets = photos_of(host)
    schedule = draw(warm_up, steps, len(targets), arrivals=options.arrivals, seed=(options.seed,))
    if not schedule.measured.any():
        raise UsageProblem("nothing to send: the rates are too low for so few --seconds")
    return Plan([host], schedule, targets, options.deadline)


def awaited(path: Path, deadline_s: float = PLAN_DEADLINE_S) -> Plan:
    """Read the harness's plan once it is there: we are started ahead, so nobody waits for us. Raises UsageProblem."""
    until = time.monotonic() + deadline_s
    while not path.exists():
        if time.monotonic() > until:
            raise UsageProblem(f"there was no {path} within {deadline_s:.0f} s")
        time.sleep(PLAN_POLL_S)
    return Plan.from_facts(json.loads(path.read_text(encoding="utf-8")))


def rates_of(text: str) -> list[float]:
    """Read `10` or `5,10,20`. Raises UsageProblem."""
    try:
        rates = [float(part) for part in text.split(",")]
    except ValueError:
        rates = []
    if not rates or not all(0 < rate < float("inf") for rate in rates):
        raise UsageProblem(f"--rate {text!r} must be numbers above 0 with commas between, such as 20 or 5,10,20")
    return rates


def mix_of(text: str) -> dict[str, float]:
    """Read `prediction=2,metadata=1` and return shares that add up to 1. Raises UsageProblem."""
    pairs = [part.partition("=") for part in text.split(",")]
    try:
        weights = {name.strip(): float(weight) for name, _, weight in pairs}
    except ValueError:
        weights = {}
    if not weights or not set(weights) <= set(PATHS) or not all(0 < each < float("inf") for each in weights.values()):
        raise UsageProblem(f"--mix {text!r} must look like {MIX}; routes: {', '.join(PATHS)}")
    return {name: weight / sum(weights.values()) for name, weight in weights.items()}


def photos_of(host: str) -> list[Target]:
    """Ask the product for its photos. Raises a Failure."""
    target = urlsplit(host)
    if target.scheme != "http" or target.hostname is None or target.port is None:
        raise UsageProblem(f"--host {host} must look like http://127.0.0.1:8000")
    found = list(Asker(host, host.rstrip("/")).photo_ids())
    if not found:
        raise UsageProblem(f"{host} has no photos to ask for; upload some first")
    return [{"id": photo, "path": quote(photo, safe="")} for photo in found]


def table_of(plan: Plan, samples: Samples) -> pa.Table:
    """Return one row for each scheduled request, whatever became of it; what only a trial knows is left out."""
    schedule, ids = plan.schedule, [target["id"] for target in plan.targets]
    found = {
        "case": [schedule.cases[case] for case in schedule.case],
        "step": schedule.step,
        "intended_ns": schedule.offset_ns,
        "photo_id": [ids[photo] for photo in schedule.photo],
        **{column.name: known(samples.numbers[column.name], column) for column in MEASURED},
        "outcome": samples.outcome.tolist(),
        **{column.name: words(samples.words[column.name], column) for column in ANSWERED},
    }
    columns = (*SCHEDULED, *MEASURED, OUTCOME, *ANSWERED)
    return pa.table([pa.array(found[column.name], arrow_type(column)) for column in columns], schema_of(columns))


def known(values: npt.NDArray[Any], column: Column) -> pa.Array:
    """Return numbers, null where the column's empty value stands."""
    empty = np.isnan(values) if values.dtype.kind == "f" else values == column.empty
    return pa.array(values, mask=empty)


def words(texts: Sequence[str | None], column: Column) -> Sequence[object]:
    """Return texts as what the column holds; a time that is none is left out, since it must not fail a good answer."""
    return [moment(text) for text in texts] if column.type == TIME else texts


def moment(text: str | None) -> datetime | None:
    """Read an RFC 3339 time."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def save(options: Namespace, plan: Plan, samples: Samples, zero_ns: int, processes: int) -> None:
    """Write the samples, if a file was asked for, with what is known of all of them as the file's metadata."""
    if not options.samples:
        return
    totals = {key: value for key, value in vars(samples).items() if key not in ("numbers", "words")}
    facts = {"zero_ns": zero_ns, "processes": processes, **totals}
    table = table_of(plan, samples).replace_schema_metadata({"sweetspot": json.dumps(facts)})
    out = Path(options.samples)
    part = out.with_name(out.name + ".part")
    pq.write_table(table, part)
    part.replace(out)
