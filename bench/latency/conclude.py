"""From what was recorded to numbers: results, comparisons, checks, gates, validity. Pure, also after half a run."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.gates import judging
from bench.latency import expectations, gates, ratios, results
from bench.latency.arms import AGAIN
from bench.session.experiment import Conclusion, Raw
from bench.statistics import capacity, quantities, steps
from bench.statistics.capacity import Bracket
from bench.statistics.quantities import RAW_LIMIT, Quantities
from bench.statistics.steps import TrialFacts
from runfile.facts import Capacity, Latency, Point

SHARE, ERROR = 0.05, 0.05  # the objective: at most this share of predictions is late; wrong with this chance at most


def conclude(raw: Raw) -> Conclusion:
    """Derive everything that is derived."""
    own = latency_of(raw)
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
            "capacity": tuple(bracket_fact(name, each, own.slo_ms) for name, each in brackets.items()),
            "crossover": ratios.crossover(table),
            "checks": judged,
            "gates": tuple(passed),
            "validity": judging.validity(passed, *none),
        },
    )


def latency_of(raw: Raw) -> Latency:
    """Return what this experiment recorded."""
    if raw.run.experiments.latency is None:
        raise ValueError("the run has no latency experiment")
    return raw.run.experiments.latency


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
) -> dict[str, Bracket]:
    """Return the bracket of every variant: each trial of each step of its staircase is a point."""
    brackets = {}
    for variant in variants:
        facts = [step for trial in trials for step in trial.steps if step.variant == variant]
        points = []
        for step in facts:
            key = (variant, steps.PREDICTION, step.rate, "response")
            values = found.blocks(key).get(step.block, np.empty(0))
            points.append(capacity.measured(step.rate, values, slo_ms, grew=step.grew(steps.PREDICTION)))
        if points:
            brackets[variant] = capacity.bracket(points, SHARE, ERROR)
    return brackets


def bracket_fact(variant: str, bracket: Bracket, slo_ms: float) -> Capacity:
    """Return a capacity for run.json."""
    points = tuple(
        Point(each.point.rate, each.point.n, each.point.n_eff, each.point.over, each.verdict, each.point.grew)
        for each in bracket.points
    )
    return Capacity(variant, bracket.low, bracket.high, bracket.error, slo_ms, SHARE, points)
