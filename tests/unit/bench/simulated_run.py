"""A run folder of a machine and variants that are only numbers, written through the code that writes real ones."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from runfile.columns import REQUESTS, filled
from runfile.facts import Arm, Capacity, Experiments, Latency, Machine, Peer, Peers, PeerTrial, Step, Trial, Validity
from runfile.facts import Variant as VariantFacts
from runfile.folder import RunFolder
from runfile.rows import ResultRow

TIMES_MS = {"embedded": 20.0, "model_in_db": 3.0}
LOW, HIGH = 8.0, 40.0  # predictions per second
ROUNDS, TURN_S, STEP_S = 4, 2.5, 3.0  # enough requests for a p95 of each block
MACHINE = Machine(cpu="a processor", cores=2, kernel="6.1", sut_cores=(0,), generator_cores=(1,), pinned=True)
SETTINGS = {"arrivals": "poisson", "rate_page_per_s": 0.5}
SLO_MS = 250.0
VALID = Validity(valid=True)


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
    verdicts: bool = True
    found: Mapping[str, Any] = field(default_factory=dict)  # other facts of the experiment
    facts: Mapping[str, Any] = field(default_factory=dict)  # other facts of the run

    @property
    def arms(self) -> list[str]:
        return [*self.times_ms, *(["embedded again"] if self.again else [])]

    def write(self, out: Path) -> Path:
        """Write the folder."""
        rng, folder = np.random.default_rng(self.seed), RunFolder(out, "simulated")
        speeds = self.machine * rng.lognormal(0, 0.02, self.blocks)
        trials = []
        for trial in self.trials(rng, speeds):
            speed = speeds[trial.block - 1] * (10 if trial.reason else 1)
            own = {arm: speed * rng.lognormal(0, 0.02) for arm in self.arms}
            folder.add_trial(self.requests(rng, trial, own))
            trials.append(trial)
        folder.write_results(raw_limits(rng, speeds))
        found = Latency(
            settings=SETTINGS, verdicts=self.verdicts, slo_ms=SLO_MS, trials=tuple(trials), validity=VALID,
            arms=(Arm("embedded again", "embedded", "A/A"),) * self.again,
            capacity=tuple(self.capacity(name) for name in self.times_ms),
        )  # fmt: skip
        save(folder, self.facts, latency=replace(found, **self.found), variants=self.times_ms)
        return folder.path

    def capacity(self, name: str) -> Capacity:
        """Who fails carries less than the lowest rate, everybody else more than the highest."""
        low, high = (None, LOW) if name == self.failing else (HIGH, None)
        return Capacity(name, low, high, 0.05, SLO_MS, 0.05)

    def trials(self, rng: np.random.Generator, speeds: np.ndarray) -> Iterator[Trial]:
        """Blocks of turns, one of which did not count, and then each arm alone; one trial was repeated."""
        number = 0
        for block in range(1, self.blocks + 1):
            names = [("", ""), *([(self.arms[0], "the machine was busy")] if block == 1 else [])]
            for arm, reason in [*names, *((arm, "") for arm in self.arms)]:
                number += 1
                canary_ms = 15 * speeds[block - 1] * rng.lognormal(0, 0.01)
                steps = (step(0, 0.0, STEP_S, HIGH, arm, of_capacity=0.5),) if arm else tuple(self.turns())
                yield Trial(number, block, arm, reason=reason, steps=steps, canary_ms=canary_ms)

    def turns(self) -> Iterator[Step]:
        """The first round is spoiled, and is measured again."""
        order = [(round_, arm) for round_ in range(ROUNDS + 1) for arm in self.arms]
        for number, (round_, arm) in enumerate(order):
            reason = "" if round_ else "late"
            yield step(number, number * TURN_S, TURN_S, LOW, arm, of_capacity=0.1, round=round_, reason=reason)

    def requests(self, rng: np.random.Generator, trial: Trial, own: Mapping[str, float]) -> pa.Table:
        """The requests of a trial, with a warm-up that is far too slow, as are turns that do not count."""
        warm_up = step(-1, -1.0, 1.0, 1.0, self.arms[0], reason="warm-up")
        rows = [
            {
                **request(step, at, case, ms * rng.lognormal(0, 0.2) * (100 if step.reason else 1), ok=ok),
                "counted": trial.counted and not step.reason,
            }
            for step in (warm_up, *trial.steps)
            for case, rate, ms, ok in self.cases(step, own)
            for at in np.sort(rng.uniform(0, step.seconds, round(rate * step.seconds)))
        ]
        return filled(pa.Table.from_pylist(rows), REQUESTS, experiment="latency", trial=trial.trial, block=trial.block)

    def cases(self, step: Step, own: Mapping[str, float]) -> Iterator[tuple[str, float, float, bool]]:
        """Case, rate, milliseconds, and whether it is answered well."""
        name = step.variant.removesuffix(" again")
        ms = self.times_ms[name] * self.factors.get(name, 1.0) * own[step.variant]
        yield "prediction", step.rate_per_s, ms, name != self.failing
        yield "metadata", 4.0, 2.0 * own[step.variant], True


def step(number: int, start_s: float, seconds: float, rate_per_s: float, variant: str, **more: Any) -> Step:
    """A step of one arm."""
    return Step(step=number, start_s=start_s, seconds=seconds, rate_per_s=rate_per_s, variant=variant, **more)


def request(step: Step, at_s: float, case: str, ms: float, *, ok: bool) -> dict[str, object]:
    """One row; what the trial is comes later."""
    at = round((step.start_s + at_s) * 1e9)
    return {
        "variant": step.variant, "case": case, "step": step.step, "offered_per_s": step.rate_per_s,
        "intended_ns": at, "sent_ns": at, "done_ns": at + round(ms * 1e6),
        "status": 200 if ok else 503, "outcome": "ok" if ok else "error",
    }  # fmt: skip


def raw_limits(rng: np.random.Generator, speeds: np.ndarray) -> list[ResultRow]:
    """The bare model, as slow as the machine."""
    samples = np.concatenate([17 * speed * rng.lognormal(0, 0.02, 40) for speed in speeds])
    low, value, high = (float(np.quantile(samples, p)) for p in (0.45, 0.5, 0.55))
    return [ResultRow("latency", "raw limit", "prediction", "response_p50", value, low, high, "ms", len(samples))]


def save(folder: RunFolder, facts: Mapping[str, Any], *, variants: Mapping[str, float], **found: Any) -> None:
    """Write run.json."""
    model = {"name": "lite", "version": "1"}
    common = {
        "state": "complete", "seed": 1, "settings": {"deadline_s": 10.0}, "machine": MACHINE,
        "versions": {"numpy": "2"}, "variants": tuple(VariantFacts(name, model=model) for name in variants),
        "experiments": Experiments(**found), "validity": VALID,
    }  # fmt: skip
    folder.save(**{**common, **facts})


@dataclass
class SimulatedPeers:
    """A run of two servers; `factors` multiplies a number of one, by server and metric."""

    seed: int = 0
    machine: float = 1.0
    factors: Mapping[tuple[str, str], float] = field(default_factory=dict)
    blocks: int = 5
    width: float = 0.02  # half of every interval, as a share
    facts: Mapping[str, Any] = field(default_factory=dict)

    def write(self, out: Path) -> Path:
        """Write the folder."""
        rng, folder = np.random.default_rng(self.seed), RunFolder(out, "simulated-peers")
        trials = [
            PeerTrial(block, block, "fastapi", canary_ms=15 * self.machine * rng.lognormal(0, 0.01))
            for block in range(1, self.blocks + 1)
        ]
        servers = ("fastapi", "sweetspot")
        folder.write_results([self.row("bare loop", "throughput", 80 / self.machine, "1/s"), *self.rows(servers)])
        found = Peers(
            verdicts=True, trials=tuple(trials), validity=VALID, peers=tuple(map(Peer, servers))
        )  # fmt: skip
        save(folder, self.facts, variants={}, peers=found)
        return folder.path

    def rows(self, servers: tuple[str, ...]) -> Iterator[ResultRow]:
        """The numbers of the servers."""
        for server in servers:
            yield self.row(server, "throughput", 70 / self.machine, "1/s")
            yield self.row(server, "share_of_bare", 0.9, "share")
            yield self.row(server, "latency_p50", 14 * self.machine, "ms")
            yield self.row(server, "memory", 200.0, "MB")
            yield ResultRow("peers", server, "alone", "latency_p99", None, None, None, "ms", 46, "withheld")

    def row(self, server: str, metric: str, value: float, unit: str) -> ResultRow:
        """One number with its interval."""
        number = value * self.factors.get((server, metric), 1.0)
        low, high = (number * factor for factor in (1 - self.width, 1 + self.width))
        return ResultRow("peers", server, "alone", metric, number, low, high, unit, self.blocks)


def damaged(folder: Path, how: str) -> Path:
    """Damage a run folder, or make another thing of it."""
    record, table, results_csv = (folder / name for name in ("run.json", "requests.parquet", "results.csv"))
    facts = json.loads(record.read_text())
    other = {
        "no state": {key: value for key, value in facts.items() if key != "state"},
        "another schema": {**facts, "schema": "sweetspot.run/3"},
        "no trials": {**facts, "experiments": {"latency": {"trials": 3}}},
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
