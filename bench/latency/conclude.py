"""From what was recorded to numbers: results, comparisons, checks, gates, validity. Pure, also after half a run."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.gates import judging
from bench.latency import expectations, gates, ratios, results
from bench.latency.arms import AGAIN
from bench.latency.ratios import CASE
from bench.session.experiment import Conclusion, Raw
from bench.statistics import capacity, quantities, steps
from bench.statistics.capacity import Bracket
from bench.statistics.quantities import RAW_LIMIT, Quantities
from bench.statistics.steps import TrialFacts
from runfile.facts import Capacity, Latency, Point

SHARE, ERROR = 0.05, 0.05  # the objective: at most this share of predictions is late; wrong with this chance at most


def conclude(raw: Raw) -> Conclusion:
    """Derive everything that is derived."""
    own = raw.run.experiments.latency or Latency()
    names = [each.name for each in raw.run.variants]
    counted = raw.requests[raw.requests["counted"]]
    trials = trial_facts(raw, own, counted)
    found, full = quantities.collect(counted, own.counted), steps.saturated(trials)
    again, of = next(((arm.name, arm.of) for arm in own.arms if arm.kind == AGAIN), ("", ""))
    floors = ratios.floors(found, again, of)
    table = ratios.ratios(found, names, floors, full)
    brackets = capacities(found, trials, names, own.slo_ms)
    judged = expectations.judge(own.expectations, found, names, verdicts=own.verdicts)
    passed = gates.judge(gates.Seen(raw, own, counted, found, trials, floors))
    none = [] if own.counted else ["no trial was completed"]
    return Conclusion(
        [
            *results.levels(counted, found, full),
            *results.raw_limit(found),
            *results.steps_of([step for trial in trials for step in trial.steps]),
            *results.memory(own.counted),
            *results.capacities(brackets),
            *results.comparisons(table, again, of, floors),
            *results.checks(judged),
        ],
        {
            "noise_floor": ratios.floor_facts(floors),
            "ratios": tuple(table),
            "capacity": tuple(brackets),
            "crossover": ratios.crossover(table),
            "checks": judged,
            "gates": tuple(passed),
            "validity": judging.validity(passed, *none),
        },
    )


def trial_facts(raw: Raw, own: Latency, counted: pd.DataFrame) -> list[TrialFacts]:
    """Return what each step of each trial did as a whole."""
    most, facts = raw.limits["G7"].passes, []
    for trial in own.counted:
        sent = counted[(counted["trial"] == trial.trial) & (counted["variant"] != RAW_LIMIT)]
        used = raw.processes[raw.processes["trial"] == trial.trial]
        facts.append(steps.of_trial(trial, sent, used, slo_ms=own.slo_ms, most=most))
    return facts


def capacities(
    found: Quantities, trials: Sequence[TrialFacts], variants: Sequence[str], slo_ms: float
) -> list[Capacity]:
    """Return the bracket of every variant that climbed: each trial of each step of its staircase is a point."""
    brackets = []
    for variant in variants:
        points = []
        for step in (step for trial in trials for step in trial.steps if step.variant == variant):
            values = found.blocks((variant, CASE, step.rate, "response")).get(step.block, np.empty(0))
            points.append(capacity.measured(step.rate, values, slo_ms, grew=step.grew(CASE)))
        if points:
            brackets.append(fact(variant, capacity.bracket(points, SHARE, ERROR), slo_ms))
    return brackets


def fact(variant: str, bracket: Bracket, slo_ms: float) -> Capacity:
    """Return a bracket for run.json."""
    judged = ((each.point, each.verdict) for each in bracket.points)
    points = tuple(Point(at.rate, at.n, at.n_eff, at.over, verdict, at.grew) for at, verdict in judged)
    return Capacity(variant, bracket.low, bracket.high, bracket.error, slo_ms, SHARE, points)
