"""The end of a run: results.csv, comparisons, checks, gates, validity from what was measured; the exit code."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from bench.exits import Exit
from bench.gates import judging as gates
from bench.latency import expectations, results
from bench.latency import gates as judging
from bench.latency import ratios as comparison
from bench.latency.ratios import Floors, Ratio
from bench.latency.run import Run
from bench.session.runfolder import now
from bench.statistics import capacity, quantities, steps
from bench.statistics.capacity import Bracket
from bench.statistics.estimates import Estimate
from bench.statistics.noise import half_width
from bench.statistics.steps import TrialFacts

SHARE, ERROR = 0.05, 0.05  # the objective: at most this share of predictions is late; wrong with this chance at most


def write_up(run: Run, state: str) -> None:
    """Derive everything that is derived and write it. A run without a single trial gets a results.csv without rows."""
    profile, folder = run.settings.profile, run.folder
    requests = counted(run)
    facts = trial_facts(run, requests)
    found = quantities.collect(requests, run.limits)
    full = steps.saturated(facts)
    variants = [stack.name for stack in run.settings.stacks]
    again, of = next(((arm.name, arm.of) for arm in run.arms if arm.kind == "A/A"), ("", ""))
    floors = comparison.floors(found, again, of, full)
    ratios = comparison.ratios(found, variants, floors, full)
    brackets = capacities(found, variants, profile.slo_ms)
    judged = expectations.judge(list(run.settings.checks), found, variants, verdicts=profile.verdicts)
    passed = judging.judge(
        judging.Session(
            run.settings.limits, run.bench.cores, run.null, run.arms, run.counted, requests, found, facts, floors
        )
    )
    validity = gates.validity(passed, bool(run.counted))
    if state != "complete":
        validity = {"valid": False, "reasons": [f"the run was {state}", *reasons(validity)]}
    run.results = [
        *results.levels(requests, found, full),
        *results.raw_limit(found),
        *results.goodput(step for fact in facts for step in fact.steps),
        *results.memory((each.trial.arm.name, each.memory_bytes) for each in run.counted),
        *results.capacities(brackets),
        *results.comparisons(ratios, again, of, floors),
        *results.checks(judged),
    ]
    folder.write_results(run.results)
    crossover = comparison.crossover(ratios)
    folder.save(
        state=state, finished_at=now(), checks=judged, gates=passed, validity=validity,
        noise_floor=floor_facts(floors, found, again),
        ratios=[ratio_facts(ratio) for ratio in ratios],
        capacity=[bracket_facts(name, bracket, profile.slo_ms) for name, bracket in brackets.items()],
        crossover=asdict(crossover) if crossover else None,
    )  # fmt: skip


def counted(run: Run) -> pd.DataFrame:
    """Return the requests that count: those of the windows, of trials that were not repeated."""
    requests = run.folder.requests.to_pandas()
    trials = [each.trial.number for each in run.counted]
    kept: pd.DataFrame = requests[(requests["step"] >= 0) & requests["trial"].isin(trials)]
    return kept


def trial_facts(run: Run, requests: pd.DataFrame) -> list[TrialFacts]:
    """Return what each step of each trial did as a whole."""
    processes = run.folder.processes.to_pandas()
    most = run.settings.limits["G7"].passes
    facts = []
    for each in run.counted:
        own = (table[table["trial"] == each.trial.number] for table in (requests, processes))
        facts.append(steps.of_trial(each.record(), *own, slo_ms=run.settings.profile.slo_ms, most=most))
    return facts


def capacities(found: quantities.Quantities, variants: Sequence[str], slo_ms: float) -> dict[str, Bracket]:
    """Return the bracket of every variant: each trial of each rate is a point."""
    brackets = {}
    for variant in variants:
        points = [
            capacity.measured(rate, values, slo_ms)
            for rate in found.rates(variant)
            for values in found.blocks((variant, "prediction", rate, "response")).values()
        ]
        if points:
            brackets[variant] = capacity.bracket(points, SHARE, ERROR)
    return brackets


def floor_facts(floors: Floors, found: quantities.Quantities, again: str) -> list[dict[str, object]]:
    """Return the noise floors for run.json: the ratios of two equal systems at low load."""
    return [
        {"metric": metric, **estimate_facts(floor), "half_width": finite(half_width(floor))}
        for (metric, rate), floor in floors.items()
        if rate == found.low(again)
    ]


def ratio_facts(ratio: Ratio) -> dict[str, object]:
    """Return a ratio for run.json."""
    return {
        "left": ratio.left, "right": ratio.right, "case": comparison.CASE, "metric": ratio.metric,
        "offered_per_s": ratio.rate, **estimate_facts(ratio.estimate), "claim": ratio.claimed,
        "floor_half_width": finite(half_width(ratio.floor)),
    }  # fmt: skip


def bracket_facts(variant: str, bracket: Bracket, slo_ms: float) -> dict[str, object]:
    """Return a capacity for run.json."""
    points = [
        {"rate_per_s": each.point.rate, "n": each.point.n, "n_eff": each.point.n_eff, "over": each.point.over,
         "verdict": each.verdict}
        for each in bracket.points
    ]  # fmt: skip
    return {"variant": variant, "low": bracket.low, "high": bracket.high, "error": bracket.error, "slo_ms": slo_ms,
            "share": SHARE, "points": points}  # fmt: skip


def estimate_facts(estimate: Estimate) -> dict[str, object]:
    """Return an estimate for run.json."""
    return {**{key: finite(getattr(estimate, key)) for key in ("value", "low", "high")}, "n": estimate.n}


def finite(value: float | None) -> float | None:
    """Return what JSON can hold."""
    return value if value is not None and np.isfinite(value) else None


def reasons(validity: dict[str, Any]) -> list[str]:
    """Return why a run is not valid."""
    return [str(reason) for reason in validity["reasons"]]


def exit_code(run: Run) -> Exit:
    """Return what the shell gets: a failure first, then validity, then thresholds."""
    facts = run.folder.facts
    if run.failure is not None:
        return run.failure.code
    if facts["state"] == "interrupted":
        return Exit.INTERRUPTED
    if not facts["validity"]["valid"] and run.settings.profile.verdicts:
        return Exit.NOT_VALID  # a profile without verdicts makes no claims that could be invalid
    missed = any(check["verdict"] == "missed" for check in facts["checks"])
    return Exit.THRESHOLD_MISSED if missed else Exit.OK
