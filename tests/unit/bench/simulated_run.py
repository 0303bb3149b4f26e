"""A run folder of a machine and variants that are only numbers, written through the code that writes real ones."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.latency import finish, results
from bench.latency import profile as profiles
from bench.latency.ladder import Rung
from bench.machine.limit import Limit
from bench.session.runfolder import REQUESTS, RunFolder
from bench.statistics import quantities

RUNGS = (Rung(8.0, 0.1, 10.0, 0.3), Rung(40.0, 0.5, 3.0, 0.3))  # enough requests for a p95 of each trial
TIMES_MS = {"embedded": 20.0, "model_in_db": 3.0}
MACHINE = {"cpu": "a processor", "cores": 2, "kernel": "6.1", "sut_cores": [0], "pinned": True}


@dataclass
class Simulated:
    """What a run is to show. `machine` and `factors` make times longer: all of them, or those of a variant."""

    seed: int = 0
    machine: float = 1.0
    factors: Mapping[str, float] = field(default_factory=dict)
    times_ms: Mapping[str, float] = field(default_factory=lambda: TIMES_MS)
    blocks: int = 6
    again: bool = True
    failing: str = ""  # a variant that fails every prediction
    profile: str = "full"
    facts: Mapping[str, object] = field(default_factory=dict)

    def write(self, out: Path) -> Path:
        """Write the folder."""
        rng, folder = np.random.default_rng(self.seed), RunFolder(out, self.profile)
        speeds = self.machine * rng.lognormal(0, 0.02, self.blocks)
        trials = []
        for number, (block, arm, repeated) in enumerate(self.trials(), start=1):
            rows = self.rows(rng, arm, speeds[block - 1] * (10 if repeated else 1))
            table = pd.DataFrame(rows, columns=REQUESTS.names).assign(trial=number, block=block, variant=arm)
            folder.add_trial(pa.Table.from_pandas(table, schema=REQUESTS), [])
            trials.append(record(number, block, arm, 15 * speeds[block - 1] * rng.lognormal(0, 0.01), repeated))
        limits = {
            (block + 1, "prediction"): Limit({"response": list(17 * speed * rng.lognormal(0, 0.02, 40))}, "CPU")
            for block, speed in enumerate(speeds)
        }
        self.finish(folder, trials, limits)
        return folder.path

    def trials(self) -> Iterator[tuple[int, str, str]]:
        """Blocks with every arm once; one trial had to be repeated."""
        for block in range(1, self.blocks + 1):
            if block == 1:
                yield block, next(iter(self.times_ms)), "the machine was busy"
            for arm in (*self.times_ms, *(["embedded again"] if self.again else [])):
                yield block, arm, ""

    def rows(self, rng: np.random.Generator, arm: str, speed: float) -> Iterator[dict[str, object]]:
        """The requests of a trial, with a warm-up that is far too slow."""
        name = arm.removesuffix(" again")
        own_ms = self.times_ms[name] * self.factors.get(name, 1.0) * speed * rng.lognormal(0, 0.02)
        yield request(-1, RUNGS[0].rate_per_s, -1.0, "prediction", 5000.0)
        start = 0.0
        for step, rung in enumerate(RUNGS):
            for case, rate, ms in (("prediction", rung.rate_per_s, own_ms), ("metadata", 4.0, 2.0 * speed)):
                for at in np.sort(rng.uniform(0, rung.seconds, round(rate * rung.seconds))):
                    wrong = name == self.failing and case == "prediction"
                    yield request(step, rung.rate_per_s, start + at, case, ms * rng.lognormal(0, 0.2), wrong=wrong)
            start += rung.seconds + rung.pause_s

    def finish(self, folder: RunFolder, trials: list[dict], limits: dict[tuple[int, str], Limit]) -> None:
        """Write what a run writes at its end, as far as a comparison reads it."""
        profile = profiles.load(self.profile)
        requests = folder.requests.to_pandas()
        counted = requests[
            (requests["step"] >= 0) & ~requests["trial"].isin([t["trial"] for t in trials if t["repeated"]])
        ]
        found = quantities.collect(counted, limits)
        brackets = finish.capacities(found, list(self.times_ms), profile.slo_ms)
        folder.write_results([*results.raw_limit(found), *results.capacities(brackets)])
        settings = {**profile.settings(), "deadline_s": 10.0, "thresholds_version": 1}
        copies = [{"name": "embedded again", "of": "embedded", "kind": "A/A"}] if self.again else []
        facts = {
            "state": "complete", "seed": 1, "settings": settings, "machine": MACHINE, "versions": {"numpy": "2"},
            "arms": copies, "trials": trials, "validity": {"valid": True, "reasons": []},
            "variants": [{"name": name, "model": {"name": "lite", "version": "1"}} for name in self.times_ms],
            "capacity": [finish.bracket_facts(name, each, profile.slo_ms) for name, each in brackets.items()],
        }  # fmt: skip
        folder.save(**{**facts, **self.facts})


def request(step: int, rate: float, at_s: float, case: str, ms: float, *, wrong: bool = False) -> dict[str, object]:
    """One row; what the trial is comes later."""
    at = round(at_s * 1e9)
    return {
        "step": step, "offered_per_s": rate, "intended_ns": at, "sent_ns": at, "done_ns": at + round(ms * 1e6),
        "case": case, "status": 503 if wrong else 200, "outcome": "status" if wrong else "ok",
    }  # fmt: skip


def record(number: int, block: int, arm: str, canary_ms: float, repeated: str) -> dict[str, object]:
    """The entry of a trial in run.json."""
    starts = (0.0, RUNGS[0].seconds + RUNGS[0].pause_s)
    steps = [{"step": step, "start_s": starts[step], **vars(rung)} for step, rung in enumerate(RUNGS)]
    completed = sum(round(rung.rate_per_s * rung.seconds) + round(4.0 * rung.seconds) for rung in RUNGS)
    return {
        "completed": completed,
        "trial": number, "block": block, "variant": arm, "steps": steps, "canary_ms": canary_ms, "repeated": repeated,
    }  # fmt: skip


def damaged(folder: Path, how: str) -> Path:
    """Damage a run folder, or make another thing of it."""
    record, table, results_csv = (folder / name for name in ("run.json", "requests.parquet", "results.csv"))
    facts = json.loads(record.read_text())
    other = {
        "no settings": {key: value for key, value in facts.items() if key != "settings"},
        "another schema": {**facts, "schema": "sweetspot.run/2"},
        "no trials": {**facts, "trials": None},
        "a list": [],
    }
    if how in other:
        record.write_text(json.dumps(other[how]))
    elif how == "half a run.json":
        record.write_bytes(record.read_bytes()[:500])
    elif how == "half a table":
        table.write_bytes(table.read_bytes()[:500])
    elif how == "another table":
        pq.write_table(pa.table({"x": [1]}), table)
    else:
        {"no run": record, "no table": table, "no results": results_csv}[how].unlink()
    return folder
