"""Schema `sweetspot.run/1`, whose latency runs and peers runs were told apart by a setting. Nothing else knows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runfile.columns import PROCESSES, filled
from runfile.decoding import decode
from runfile.facts import Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from runfile.columns import Column

SCHEMA, VERSION = "sweetspot.run/1", 1
ON_TOP = ("id", "profile", "state", "started_at", "finished_at", "seed", "command", "machine", "versions")
SHARED = ("photos", "deadline_s", "thresholds_version", "experiments")  # settings that are no experiment's own
LATER = ("experiment", "counted", "step", "offered_per_s", "photo_version", "input_read_at", "predicted_at")  # columns
SESSION_GATES = ("cores", "G5-lag", "G5-service")

Facts = dict[str, Any]


def run_of(values: Mapping[str, Any]) -> Run:
    """Return a run of version 1 as one of today's. Raises Malformed, naming today's key, and LookupError."""
    settings = dict(values.get("settings") or {})
    name, found = ("peers", peers(values)) if settings.get("experiments") == "peers" else ("latency", latency(values))
    gates = [gate(each) for each in values.get("gates") or []]
    own = {key: value for key, value in settings.items() if key not in SHARED}
    found |= {
        "settings": own,
        "verdicts": bool(own.get("verdicts", values.get("profile") != "smoke")),
        "slo_ms": own.get("slo_ms", 250.0),
        "gates": [each for each in gates if each["gate"] not in SESSION_GATES],
        "checks": [{"n": 0, **each} for each in values.get("checks") or []],
        "validity": values.get("validity") or {},
    }
    facts = {key: values[key] for key in ON_TOP if values.get(key) is not None}
    facts |= {
        "settings": {key: settings[key] for key in SHARED if key in settings},
        "variants": values.get("variants") or [],
        "gates": [each for each in gates if each["gate"] in SESSION_GATES],
        "experiments": {name: found},
        "validity": found["validity"],
    }
    return decode(Run, json.dumps(facts))


def latency(values: Mapping[str, Any]) -> Facts:
    """Return what a latency run found."""
    keys = ("arms", "noise_floor", "ratios", "capacity", "crossover")
    found = {key: values[key] for key in keys if values.get(key) is not None}
    low = min((each["offered_per_s"] for each in values.get("ratios") or []), default=None)
    if "noise_floor" in found:  # version 1 had one for all rates, measured at the lowest
        found["noise_floor"] = [{"offered_per_s": low, **floor} for floor in found["noise_floor"]]
    return found | {"trials": [trial(each) for each in values.get("trials") or []]}


def trial(values: Facts) -> Facts:
    """Return one trial of a latency run."""
    steps = [{**step, "variant": values["variant"]} for step in values.get("steps") or []]
    rest = {key: value for key, value in values.items() if key not in ("machine", "repeated", "steps")}
    return {**rest, "reason": values.get("repeated") or "", "usage": values.get("machine"), "steps": steps}


def peers(values: Mapping[str, Any]) -> Facts:
    """Return what a peers run found."""
    found = {key: values[key] for key in ("peers", "withheld") if values.get(key) is not None}
    return found | {"trials": [peer_trial(each) for each in values.get("trials") or []]}


def peer_trial(values: Facts) -> Facts:
    """Return one server in one block; slices of older runs lack a turnaround."""
    rounds = {
        model: [
            {**one, "slices": [{"turnaround_ms": None, **each} for each in one["slices"]]}
            for one in values["rounds"][model]
        ]
        for model in values.get("rounds") or {}
    }
    rest = {key: value for key, value in values.items() if key not in ("machine", "steps", "rounds")}
    return {**rest, "rounds": rounds, "overloads": values.get("steps") or [], "usage": values.get("machine")}


def gate(values: Facts) -> Facts:
    """Return one gate. What did not pass failed, whatever else is said of it."""
    rest = {key: value for key, value in values.items() if key != "passed"}
    if values.get("passed") is False:
        return {**rest, "verdict": "fail"}
    return {"verdict": "pass" if values.get("passed") else "not judged", **rest}


def table(found: pa.Table, columns: tuple[Column, ...], run: Run) -> pa.Table:
    """Return a table of version 1 with today's columns: the experiment, and which requests count."""
    import pyarrow as pa

    (name,) = run.found
    if columns is PROCESSES:
        return filled(found, columns, experiment=name)
    if "step" not in found.column_names:  # the first runs had one step
        steps = [0 if at >= 0 else -1 for at in found["intended_ns"].to_pylist()]
        found = found.append_column("step", pa.array(steps, pa.int32()))
    trials = {trial.trial for trial in run.found[name].trials if trial.counted}
    pairs = zip(found["trial"].to_pylist(), found["step"].to_pylist(), strict=True)
    counted = pa.array([trial in trials and step >= 0 for trial, step in pairs], pa.bool_())
    return filled(found.append_column("counted", counted), columns, experiment=name)
