"""The promises as data: reads `promises.toml` and judges what a run found by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.exits import UsageProblem
from bench.latency.expectations import finite, verdict_of
from bench.peers.results import BARE, Found
from bench.statistics import estimates
from bench.statistics.estimates import Estimate
from bench.tomlfile import read_toml

OURS = Path(__file__).with_name("promises.toml")
TEXTS = ("title", "variant", "case", "metric", "bound", "of", "unit")
BOUNDS, OF = ("at most", "at least"), ("", "best peer")


@dataclass(frozen=True)
class Promise:
    """One number that must be at most or at least the limit, or that share of the best other peer's."""

    title: str
    variant: str
    case: str
    metric: str
    bound: str
    of: str
    unit: str
    limit: float


def load(path: Path = OURS) -> list[Promise]:
    """Read the promises of a file. Raises UsageProblem, naming file and promise."""
    values = read_toml(path)
    entries = values.get("promise", [])
    if set(values) - {"promise"} or not isinstance(entries, list):
        raise UsageProblem(f"{path} must hold [[promise]] tables only")
    return [_promise(entry, f"{path}: promise {number}") for number, entry in enumerate(entries, start=1)]


def _promise(values: Any, where: str) -> Promise:  # noqa: ANN401 - whatever TOML held there
    keys = {*TEXTS, "limit"}
    if not isinstance(values, dict) or set(values) != keys:
        raise UsageProblem(f"{where} must have exactly these keys: {', '.join(sorted(keys))}")
    wrong = [f"{key} must be text" for key in TEXTS if not isinstance(values[key], str)]
    wrong += [f"bound must be one of: {', '.join(BOUNDS)}"] if values["bound"] not in BOUNDS else []
    wrong += ['of must be "" or "best peer"'] if values["of"] not in OF else []
    if not isinstance(values["limit"], int | float) or isinstance(values["limit"], bool):
        wrong.append("limit must be a number")
    if wrong:
        raise UsageProblem(f"{where}: {'; '.join(wrong)}")
    return Promise(**{**values, "limit": float(values["limit"])})


def judge(
    promises: Sequence[Promise], found: Found, peers: Sequence[str], *, verdicts: bool
) -> list[dict[str, object]]:
    """Return the entries of run.json for all promises of what was part of the run."""
    return [_judge(each, found, peers, verdicts=verdicts) for each in promises if each.variant in {*peers, BARE}]


def _judge(promise: Promise, found: Found, peers: Sequence[str], *, verdicts: bool) -> dict[str, object]:
    nothing = Estimate(None, None, None, 0), promise.unit
    estimate, note, limit = found.estimates.get(_key(promise), nothing)[0], "", promise.limit
    if promise.of:
        estimate, note, limit = against_best(promise, found, peers)
    verdict, why = side(estimate, limit, promise.bound, verdicts=verdicts)
    edges = {key: finite(getattr(estimate, key)) for key in ("value", "low", "high")}
    return {"title": promise.title, **edges, "limit": limit, "bound": promise.bound, "unit": promise.unit,
            "n": estimate.n, "verdict": verdict, "note": "; ".join(each for each in (note, why) if each)}  # fmt: skip


def _key(promise: Promise, variant: str = "") -> tuple[str, str, str]:
    return (variant or promise.variant, promise.case, promise.metric)


def against_best(promise: Promise, found: Found, peers: Sequence[str]) -> tuple[Estimate, str, float]:
    """Return own - limit * best as an estimate paired by block, in words what was compared, and the limit for that: 0.

    A difference and not a ratio, since a cost near nothing can come out below it. Who is best is chosen by what was
    measured, which makes the best look better than it is: the error is not in our favour.
    """
    others = {
        name: found.estimates[_key(promise, name)][0].value for name in peers if _key(promise, name) in found.estimates
    }
    known = {name: value for name, value in others.items() if value is not None and name != promise.variant}
    own = found.blocks.get(_key(promise), {})
    if not known or not own:
        return Estimate(None, None, None, 0), "", 0.0
    best = min(known, key=known.__getitem__)
    other = found.blocks[_key(promise, best)]
    blocks = sorted(own.keys() & other.keys())
    estimate = estimates.paired_difference([own[b] for b in blocks], [promise.limit * other[b] for b in blocks])
    mean = found.estimates[_key(promise)][0].value
    note = (
        f"shown is {promise.variant} - {promise.limit:g} x {best}; {promise.variant} has {mean:.3g} {promise.unit}, "
        f"the best peer {best} {known[best]:.3g} {promise.unit}"
    )
    return estimate, note, 0.0


def side(estimate: Estimate, limit: float, bound: str, *, verdicts: bool) -> tuple[str, str]:
    """Return the verdict and why."""
    if estimate.value is None:
        return "withheld", "not measured, or by too few requests"
    if bound == "at most":
        return verdict_of(estimate, limit, verdicts=verdicts)
    low, high = (None if edge is None else -edge for edge in (estimate.high, estimate.low))
    verdict, why = verdict_of(Estimate(-estimate.value, low, high, estimate.n), -limit, verdicts=verdicts)
    return verdict, why.replace("above the limit", "below the limit")
