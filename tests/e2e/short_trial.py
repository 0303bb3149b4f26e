"""A short real trial of a toy, and what a run makes of it: its gates and its results."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.gates import thresholds
from bench.latency import conduct as blocks
from bench.latency import finish, ladder, trial
from bench.latency import profile as profiles
from bench.latency.ladder import Rung
from bench.latency.run import Run, Settings
from bench.latency.trial import Arm, Bench, Trial
from bench.load.schedule import draw
from bench.machine.cores import Split
from bench.session.runfolder import RunFolder
from bench.stacks import stack
from tests.unit.bench.toys import TARGETS, TINY, TOY, copy_of_toy

PROFILE = replace(profiles.load(str(TINY)), warmup_s=0.25, arrivals="constant", bystanders={})
RUNG = Rung(rate_per_s=40.0, of_capacity=0.4, seconds=1.5, pause_s=0.3)
WARM_UP, COUNT = 10, 60  # requests
COUNTING = {"G2", "G8", "G9", "G10"}  # gates that count: no noise trips them


def tried(folder: Path, cores: Split, *, delay_ms: float = 0.0, **env: str) -> Run:
    """Measure one arm once, keep it and write it up."""
    toy = stack.load(copy_of_toy(folder, "toy", **env))
    arm, runs = Arm("toy", toy, delay_ms=delay_ms), RunFolder(folder, "tiny")
    settings = Settings(["latency"], PROFILE, [toy], TOY, folder, 1, [], thresholds.load(), [])
    run = Run(settings, runs, Bench(runs, TOY, cores, PROFILE), [arm])
    warm_up, steps = ladder.phases(PROFILE, [RUNG])
    schedule = draw(warm_up, steps, len(TARGETS), arrivals=PROFILE.arrivals, seed=(1, 1))
    blocks.keep(run, trial.measure(run.bench, Trial(1, 1, 1, arm, [RUNG]), schedule, TARGETS))
    finish.write_up(run, "complete")
    return run


def judged_again(run: Run, requests: pa.Table) -> Run:
    """Return what the same run would have said if these had been its requests."""
    folder = copy.copy(run.folder)
    folder.facts, folder.requests = dict(folder.facts), requests
    again = replace(run, folder=folder)
    finish.write_up(again, "complete")
    return again


def gate(run: Run, name: str) -> dict[str, object]:
    """Return the only gate of that name."""
    (one,) = [each for each in run.folder.facts["gates"] if each["gate"] == name]
    return one


def tripped(run: Run) -> set[str]:
    """Return the gates that count and failed; a run that is not valid because of them says so."""
    failed = {each["gate"] for each in run.folder.facts["gates"] if each["verdict"] == "fail"} & COUNTING
    reasons = {reason.partition(":")[0] for reason in run.folder.facts["validity"]["reasons"]}
    assert failed == reasons & COUNTING
    return failed


def withheld(run: Run) -> set[object]:
    """Return the metrics that are not shown because the step was saturated."""
    return {row["metric"] for row in run.results if row["verdict"] == "saturated" and row["value"] is None}


def growth_per_s(run: Run) -> float:
    """Return by how many a second the requests in flight became more."""
    (facts,) = finish.trial_facts(run, finish.counted(run))
    return facts.steps[0].steadiness["prediction"].slope_per_s


def lag_ms(run: Run) -> float:
    """Return by how much the requests were sent late, as a median."""
    (one,) = run.measured
    return float(np.median(one.load.times("sent_ns") - one.schedule.offset_ns)) / 1e6
