"""A short real trial of a toy, and what a run concludes from it: its gates and its results."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.gates import thresholds
from bench.latency import ladder, profile
from bench.latency.conclude import conclude
from bench.machine.cores import Split
from bench.session import trial
from bench.session.experiment import Conclusion, Raw
from bench.session.session import Session, Settings
from bench.session.trial import Course, Measured, Where
from bench.session.writeup import derived
from bench.stacks import stack
from bench.stacks.verify import Answer, Verified
from runfile import facts
from runfile.facts import Experiments, Gate, Machine, Step, Variant
from runfile.folder import RunFolder
from tests.unit.bench.toys import LABELS, TARGETS, TINY, TOY, copy_of_toy

PROFILE = replace(profile.load(str(TINY)), arrivals="constant", bystanders={})
RATE, STEP_S, WARM_UP_S = 40.0, 1.5, 0.25
WARM_UP, COUNT = 10, 60  # requests
COUNTING = {"G2", "G8", "G9", "G10"}  # gates that count: no noise trips them
MS = 1e6


@dataclass(frozen=True)
class Tried:
    """A trial with what follows from it."""

    folder: RunFolder
    measured: Measured
    concluded: Conclusion
    gates: Sequence[Gate]
    reasons: Sequence[str]


def tried(folder: Path, cores: Split, *, delay_ms: float = 0.0, **env: str) -> Tried:
    """Measure a toy once, keep it and conclude."""
    toy = stack.load(copy_of_toy(folder, "toy", **env))
    runs = RunFolder(folder, "tiny")
    machine = Machine(sut_cores=cores.sut, generator_cores=cores.generator, pinned=cores.pinned)
    opening = facts.Latency(verdicts=True, slo_ms=250.0, arms=(facts.Arm("toy", "toy", "control", delay_ms),))
    runs.save(variants=(Variant("toy"),), machine=machine, experiments=Experiments(latency=opening))
    session = Session(Settings("tiny", TOY, folder, 1, thresholds.load(), []), runs, cores)
    answers = {target["id"]: Answer(LABELS, (0.2,) * len(LABELS)) for target in TARGETS}
    session.verified.append(Verified("toy", {"name": "toy", "version": "1", "provider": "none"}, answers))
    steps = ladder.placed([Step(0, 0.0, STEP_S, RATE, 0.4, 0.3, "toy")])
    course: Course = ladder.course(
        steps, PROFILE, len(TARGETS), warmup_s=WARM_UP_S, seed=(1, 1), delays_ms={"toy": delay_ms}
    )
    measured = trial.measure(session, Where("latency", 1, "toy"), {"toy": toy}, course)
    trial.keep(session, measured)
    return concluded(runs, measured, runs.tables["requests"])


def concluded(folder: RunFolder, measured: Measured, requests: pa.Table) -> Tried:
    """Return what a run would say if these had been its requests."""
    tables = [requests.to_pandas(), folder.tables["processes"].to_pandas()]
    run, _ = derived(replace(folder.run, state="complete"), tables, {"latency": Concluding()}, thresholds.load())
    found = conclude(Raw(folder.run, tables[0], tables[1], thresholds.load()))
    return Tried(folder, measured, found, (*run.gates, *run.found["latency"].gates), run.validity.reasons)


class Concluding:
    """The experiment as one who concludes."""

    conclude = staticmethod(conclude)


def judged_again(run: Tried, requests: pa.Table) -> Tried:
    """Return what the same run would have said if these had been its requests."""
    return concluded(run.folder, run.measured, requests)


def gate(run: Tried, name: str) -> Gate:
    """Return the only gate of that name."""
    (one,) = [each for each in run.gates if each.gate == name]
    return one


def value(run: Tried, name: str) -> float:
    """Return what the only gate of that name measured."""
    return gate(run, name).value or 0.0


def tripped(run: Tried) -> set[str]:
    """Return the gates that count and failed; a run that is not valid because of them says so."""
    failed = {each.gate for each in run.gates if each.verdict == "fail"} & COUNTING
    assert failed == {reason.partition(":")[0] for reason in run.reasons} & COUNTING
    return failed


def withheld(run: Tried) -> set[str]:
    """Return the metrics that are not shown because the step was saturated."""
    return {row.metric for row in run.concluded.rows if row.verdict == "saturated" and row.value is None}


def backlog(run: Tried) -> float:
    """Return how many predictions were in flight at the end."""
    (row,) = [row for row in run.concluded.rows if row.metric == "backlog"]
    return row.value or 0.0


def lag_ms(run: Tried) -> float:
    """Return by how much the requests were sent late, as a median."""
    load = run.measured.load
    return float(np.median(load.times("sent_ns") - load.times("intended_ns"))) / MS
