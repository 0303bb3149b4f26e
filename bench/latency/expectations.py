"""Thresholds as data: reads `expectations.toml` and judges a run by it. Effects are paired within blocks."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.exits import UsageProblem
from bench.statistics import estimates
from bench.statistics.estimates import Estimate
from bench.statistics.quantities import RAW_LIMIT, Quantities, parse
from bench.tomlfile import read_toml

OURS = Path(__file__).with_name("expectations.toml")
COMPARE = {"ratio": estimates.paired_ratio, "difference": estimates.paired_difference}
SIDE = {"variant", "case", "metric"}
KEYS = {"title", "left", "right", "compare", "limit", "unit"}

Side = tuple[str, str, str]


@dataclass(frozen=True)
class Check:
    """left compared with right must not exceed the limit."""

    title: str
    left: Side
    right: Side
    compare: str
    limit: float
    unit: str

    def concerns(self, variants: Collection[str]) -> bool:
        """Whether both sides are part of the run."""
        return {self.left[0], self.right[0]} <= {*variants, RAW_LIMIT}


def load(path: Path = OURS) -> list[Check]:
    """Read the checks of a file. Raises UsageProblem, naming file and check."""
    values = read_toml(path)
    entries = values.get("check", [])
    if set(values) - {"check"} or not isinstance(entries, list):
        raise UsageProblem(f"{path} must hold [[check]] tables only")
    return [_check(entry, f"{path}: check {number}") for number, entry in enumerate(entries, start=1)]


def _check(values: object, where: str) -> Check:
    if not isinstance(values, dict) or set(values) != KEYS:
        raise UsageProblem(f"{where} must have exactly these keys: {', '.join(sorted(KEYS))}")
    if values["compare"] not in COMPARE:
        raise UsageProblem(f"{where}: compare must be one of: {', '.join(COMPARE)}")
    if not isinstance(values["limit"], int | float) or isinstance(values["limit"], bool):
        raise UsageProblem(f"{where}: limit must be a number")
    left, right = (_side(values[side], f"{where}: {side}") for side in ("left", "right"))
    title, compare, unit = str(values["title"]), str(values["compare"]), str(values["unit"])
    return Check(title, left, right, compare, float(values["limit"]), unit)


def _side(values: Any, where: str) -> Side:  # noqa: ANN401 - whatever TOML held there
    if not isinstance(values, dict) or set(values) != SIDE:
        raise UsageProblem(f"{where} must have exactly these keys: {', '.join(sorted(SIDE))}")
    try:
        parse(str(values["metric"]))
    except ValueError as error:
        raise UsageProblem(f"{where}: {error}") from error
    return str(values["variant"]), str(values["case"]), str(values["metric"])


def judge(
    checks: list[Check], found: Quantities, variants: Collection[str], *, verdicts: bool
) -> list[dict[str, object]]:
    """Return the entries of run.json for all checks whose variants are part of the run."""
    return [_judge(check, found, verdicts=verdicts) for check in checks if check.concerns(variants)]


def _judge(check: Check, found: Quantities, *, verdicts: bool) -> dict[str, object]:
    left, right = found.by_block(*check.left), found.by_block(*check.right)
    blocks = sorted(left.keys() & right.keys())  # paired: only what was measured within the same minutes is compared
    estimate = COMPARE[check.compare]([left[block] for block in blocks], [right[block] for block in blocks])
    verdict, note = verdict_of(estimate, check.limit, verdicts=verdicts)
    edges = {key: finite(getattr(estimate, key)) for key in ("value", "low", "high")}
    return {"title": check.title, **edges, "limit": check.limit, "unit": check.unit, "n": estimate.n,
            "verdict": verdict, "note": note}  # fmt: skip


def finite(value: float | None) -> float | None:
    """Return what JSON can hold: infinity is told in the note."""
    return value if value is not None and math.isfinite(value) else None


def verdict_of(estimate: Estimate, limit: float, *, verdicts: bool) -> tuple[str, str]:
    """Return the verdict and why. A claim needs an interval that lies on one side of the limit as a whole."""
    if estimate.value is None:
        return "withheld", "not measured on both sides in the same block"
    if math.isinf(estimate.value) and estimate.value > 0 and verdicts:
        return "missed", "infinite: too many requests failed for this percentile"
    if not verdicts:
        return "withheld", "this profile is too short for verdicts"
    if estimate.low is None or estimate.high is None:
        return "withheld", "a single block gives no interval"
    if estimate.low <= limit < estimate.high:
        return "withheld", f"the interval over {estimate.n} blocks spans the limit; more blocks would narrow it"
    return ("met", "") if estimate.high <= limit else ("missed", "the whole interval lies above the limit")
