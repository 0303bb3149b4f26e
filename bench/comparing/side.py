"""One of the two runs, as far as a comparison needs it. The only module of the package that opens files."""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.comparing.blocks import Blocks, of_requests
from bench.exits import UsageProblem
from bench.session.runfolder import REQUESTS, SCHEMA
from bench.statistics.estimates import Estimate
from bench.statistics.quantities import RAW_LIMIT

Facts = Mapping[str, Any]
DAMAGE = (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, pa.ArrowException)


@dataclass(frozen=True)
class Side:
    """A run: what it says about itself, and its values by block."""

    id: str
    folder: Path
    reasons: Sequence[str]  # why it is not valid
    verdicts: bool  # whether its profile is long enough for claims
    described: Mapping[str, object]  # settings, machine, versions and models, by name
    variants: Sequence[str]
    again: tuple[str, str]  # the A/A copy and what it is a copy of; empty where the run has none
    slo_ms: float
    loads: Mapping[tuple[str, float], float]  # share of capacity by variant and offered rate
    canary_ms: Mapping[int, float]  # by block
    raw: Mapping[str, Estimate]  # median of the bare model in ms, by pace
    capacity: Mapping[str, Estimate]  # brackets: predictions per second
    blocks: Blocks


def read(folder: Path) -> Side:
    """Read a run folder. Raises UsageProblem: no run, another schema, damaged."""
    facts = read_facts(folder)
    try:
        return _side(folder, facts)
    except DAMAGE as error:
        what = f"{type(error).__name__}: {error}"
        raise UsageProblem(
            f"{folder} is damaged or was made by another sweetspot ({what}); restore it from a copy, or run again"
        ) from error


def read_facts(folder: Path) -> Facts:
    """Return run.json after a look at its schema. Raises UsageProblem."""
    path = folder / "run.json"
    try:
        facts = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageProblem(
            f"{folder} is no run folder, it has no run.json; name one that `sweetspot run` made"
        ) from error
    except (OSError, ValueError) as error:
        raise UsageProblem(f"{path} cannot be read ({error}); restore it from a copy, or run again") from error
    schema = facts.get("schema") if isinstance(facts, dict) else None
    if not re.fullmatch(rf"{re.escape(SCHEMA)}(\.\d+)*", str(schema)):
        raise UsageProblem(f"{path} has the schema {schema!r}; this sweetspot compares {SCHEMA!r} only")
    known: Facts = facts
    return known


def differ(base: Side, new: Side, name: str) -> bool:
    """Whether a fact differs; the model of a variant that only one run has is no difference of its own."""
    if name.startswith("model of ") and not (name in base.described and name in new.described):
        return False
    return base.described.get(name) != new.described.get(name)


def _side(folder: Path, facts: Facts) -> Side:
    settings, validity = facts["settings"], facts["validity"]
    trials = [trial for trial in facts["trials"] if not trial["repeated"]]
    copies = [(str(arm["name"]), str(arm["of"])) for arm in facts["arms"] if arm["kind"] == "A/A"]
    slo_ms, deadline_ms = float(settings["slo_ms"]), float(settings["deadline_s"]) * 1e3
    requests = pq.read_table(folder / "requests.parquet").select(REQUESTS.names).cast(REQUESTS)
    return Side(
        id=str(facts["id"]),
        folder=folder.resolve(),
        reasons=[] if validity["valid"] else [str(reason) for reason in validity["reasons"]] or ["it does not say why"],
        verdicts=bool(settings["verdicts"]),
        described=_described(facts),
        variants=[str(each["name"]) for each in facts["variants"]],
        again=copies[0] if copies else ("", ""),
        slo_ms=slo_ms,
        loads={
            (str(trial["variant"]), float(step["rate_per_s"])): float(step["of_capacity"])
            for trial in trials
            for step in trial["steps"]
        },
        canary_ms=_canaries(trials),
        raw=_raw_limits(folder / "results.csv"),
        capacity={
            str(each["variant"]): Estimate(None, _number(each["low"]), _number(each["high"]), len(each["points"]))
            for each in facts["capacity"]
        },
        blocks=of_requests(requests.to_pandas(), trials, slo_ms, deadline_ms),
    )


def _described(facts: Facts) -> dict[str, object]:
    """Return everything that two runs to be compared should have in common."""
    own = {"profile": facts["profile"], "seed": facts["seed"]}
    parts = {"setting": facts["settings"], "machine": facts["machine"], "version": facts["versions"]}
    parts |= {f"model of {each['name']}": each["model"] for each in facts["variants"]}
    return own | {f"{part}: {name}": value for part, values in parts.items() for name, value in dict(values).items()}


def _canaries(trials: Sequence[Facts]) -> dict[int, float]:
    """Return the geometric mean of the canaries of each block, in ms."""
    logs: dict[int, list[float]] = {}
    for trial in trials:
        if trial["canary_ms"]:
            logs.setdefault(int(trial["block"]), []).append(float(np.log(trial["canary_ms"])))
    return {block: float(np.exp(np.mean(values))) for block, values in logs.items()}


def _raw_limits(path: Path) -> dict[str, Estimate]:
    """Return the median of the bare model by pace, from results.csv."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["case"]: Estimate(_number(row["value"]), _number(row["low"]), _number(row["high"]), int(row["n"]))
            for row in csv.DictReader(file)
            if (row["variant"], row["metric"]) == (RAW_LIMIT, "response_p50")
        }


def _number(value: object) -> float | None:
    return None if value in (None, "") else float(str(value))
