"""Gates: whether the numbers of a run may be used at all. One that fails makes the run invalid and says why.

The first few; their limits come from the design notes and are to be tuned with sessions of equal systems.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis.quantities import Quantities
from bench.machine.cores import Split
from bench.trial import Measured

DROPPED_SHARE = 0.001
LAG_MS, LAG_SHARE = 5.0, 0.05

Gate = dict[str, object]


def gate(name: str, title: str, variant: str, facts: tuple[float | None, float, str], *, note: str = "") -> Gate:
    """Return one entry; facts are value, limit and unit. Passed when the value does not exceed the limit."""
    value, limit, unit = facts
    passed = value is not None and value <= limit
    return {"gate": name, "title": title, "variant": variant, "value": value, "limit": limit, "unit": unit,
            "passed": passed, "note": note}  # fmt: skip


def lag(variant: str, found: Quantities) -> Gate:
    """G1: the generator sent in time. p99 of all cases, at most 5 ms or 5 % of the shortest median service time."""
    keys = [key for key in found.samples if key[0] == variant]
    late = np.concatenate([found.pooled(key) for key in keys if key[2] == "lag"] or [np.empty(0)])
    service = [float(np.median(found.pooled(key))) for key in keys if key[2] == "service"]
    value = float(np.quantile(late, 0.99, method="inverted_cdf")) if len(late) else None
    limit = max(LAG_MS, LAG_SHARE * min(service, default=0.0))
    return gate("G1", "The generator sent in time (lag p99)", variant, (value, limit, "ms"), note=f"n = {len(late)}")


def complete(variant: str, trials: Iterable[Mapping[str, object]]) -> Gate:
    """G2: the schedule was sent as a whole; what the generator dropped was never offered to the variant."""
    scheduled = dropped = 0
    for trial in trials:
        scheduled += int(str(trial["scheduled"]))
        dropped += int(str(trial["dropped"]))
    value = dropped / scheduled if scheduled else None
    note = f"{scheduled - dropped} of {scheduled} sent"
    return gate(
        "G2", "The schedule was sent as a whole (share dropped)", variant, (value, DROPPED_SHARE, "share"), note=note
    )


def single_attempts(variant: str, measured: Sequence[Measured]) -> Gate:
    """G9: as many requests went over the wire as were recorded: nothing was silently sent twice."""
    recorded = sum(1 for trial in measured for row in trial.load.rows if row.get("sent_ns") is not None)
    sent = sum(trial.load.requests_sent for trial in measured)
    opened = sum(trial.load.connections for trial in measured)
    note = f"{opened} connections were opened for {recorded} requests, the warm-up included"
    return gate("G9", "No hidden retries", variant, (float(max(0, sent - recorded)), 0.0, "requests"), note=note)


def same_answers(variant: str, requests: pd.DataFrame) -> Gate:
    """G10: under load the answers stayed those that all variants agreed on before."""
    own = requests[requests["variant"] == variant]
    wrong = int((own["outcome"] == "wrong").sum())
    return gate("G10", "The same answers as all other variants", variant, (float(wrong), 0.0, "requests"))


def own_cores(cores: Split) -> Gate:
    """Return the gate of the split: a generator on the cores of the system would slow it down, and itself."""
    common = len(set(cores.sut) & set(cores.generator))
    note = "" if cores.pinned else "this system cannot pin processes; the split is not enforced"
    return gate(
        "cores", "System and generator have cores of their own", "", (float(common), 0.0, "shared cores"), note=note
    )


def judge(measured: Sequence[Measured], requests: pd.DataFrame, found: Quantities, cores: Split) -> list[Gate]:
    """Return all gates for all variants, in the order of measurement."""
    variants = list(dict.fromkeys(str(trial.record["variant"]) for trial in measured))
    gates = [own_cores(cores)]
    for variant in variants:
        own = [trial for trial in measured if trial.record["variant"] == variant]
        gates += [
            lag(variant, found),
            complete(variant, [trial.record for trial in own]),
            single_attempts(variant, own),
            same_answers(variant, requests),
        ]
    return gates


def validity(gates: Iterable[Gate], measured: Sequence[Measured]) -> dict[str, Any]:
    """Return whether the run is valid, with the reasons in words."""
    reasons = [reason(gate) for gate in gates if not gate["passed"]]
    if not measured:
        reasons.append("no trial was completed")
    return {"valid": not reasons, "reasons": reasons}


def reason(gate: Gate) -> str:
    """Say in words why a gate failed."""
    value, unit = gate["value"], gate["unit"]
    have = "nothing measured" if value is None else f"{value:.3g} {unit}"
    return (
        f"{gate['gate']}: {gate['title']}: {gate['variant'] or 'this machine'} has {have}, the limit is {gate['limit']}"
    )
