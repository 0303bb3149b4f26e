"""Gates: whether the numbers of a run may be believed. One function each, from plain numbers to an entry of run.json.

G1 to G10 judge how a variant was measured, A1 to A3 the session as a whole. What a gate tells is `pass`, `warn`, `fail`
or `not judged`; a failure makes the run invalid and says what to do. The limits stand in `thresholds.toml`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bench.gates.thresholds import Threshold, Thresholds
from bench.statistics.estimates import Estimate
from bench.statistics.noise import half_width
from bench.statistics.steady import Steadiness
from bench.terminal import rounded
from runfile.facts import Gate, Validity

PRIMARY = "response_p50"  # A1 is judged by one metric: of several at 95 % each, one would too often err


def lag(limits: Thresholds, variant: str, lag_ms: npt.ArrayLike, service_p50_ms: float | None, where: str = "") -> Gate:
    """G1: requests left when they should, by the time itself or, for slow services, as a share of it."""
    limit, service = limits["G1"], service_p50_ms or 0.0
    passes = max(limit.passes, limit.extra["pass_share"] * service)
    fails = max(limit.fails, limit.extra["fail_share"] * service)
    return _needed(replace(limit, passes=passes, fails=fails), variant, _p99(lag_ms), f"{where}n = {np.size(lag_ms)}")


def complete(limits: Thresholds, variant: str, *, scheduled: int, sent: int, dropped: int) -> Gate:
    """G2: all was sent. What was dropped was never offered to the variant; what was lost, nobody can account for."""
    lost = scheduled - sent - dropped
    note = f"{sent} of {scheduled} sent, {dropped} dropped" + (f", {lost} not accounted for" if lost else "")
    value = dropped / scheduled if scheduled else None
    return limits["G2"].judge(variant, value, note, "fail" if lost or value is None else None)


def generator_cpu(limits: Thresholds, variant: str, percent: Mapping[str, npt.ArrayLike]) -> Gate:
    """G3: CPU of each generator process, samples of one second within the window, 100 being a core; medians count."""
    medians = {name: float(np.median(np.asarray(samples))) for name, samples in percent.items() if np.size(samples)}
    busiest = max(medians, key=medians.__getitem__, default="")
    return limits["G3"].judge(variant, medians.get(busiest), busiest)


def loop_lag(limits: Thresholds, variant: str, lag_p99_ms: float | None, *, gc_off: bool) -> Gate:
    """G4: the generator's event loop came round in time; garbage collection must be off, or luck kept it away."""
    gate = limits["G4"].judge(variant, lag_p99_ms, "" if gc_off else "garbage collection was on")
    return gate if gc_off or gate.verdict != "pass" else replace(gate, verdict="warn")


def calibration(
    limits: Thresholds, rate_per_s: float, lag_p99_ms: float | None, service_p99_ms: float | None
) -> list[Gate]:
    """G5: lag and service time against the null server, at a rate that also caps what may be measured."""
    note = f"at {rate_per_s:g} requests a second"
    return [limits["G5-lag"].judge("", lag_p99_ms, note), limits["G5-service"].judge("", service_p99_ms, note)]


def environment(
    limits: Thresholds,
    variant: str,
    *,
    steal_share: float | None,
    throttled_s: float | None,
    foreign_share: float | None,
    canary_deviation: float | None,
) -> list[Gate]:
    """G6: nobody else used the machine. Shares of the system's cores; None where this system does not tell."""
    found = {"steal": steal_share, "throttled": throttled_s, "foreign": foreign_share, "canary": canary_deviation}
    return [limits[f"G6-{name}"].judge(variant, value) for name, value in found.items()]


def steady(limits: Thresholds, variant: str, step: Steadiness | None, where: str = "") -> Gate:
    """G7: the queue did not grow. Never a failure: beyond capacity it grows, and only the percentiles are withheld."""
    if step is None:
        return limits["G7"].judge(variant, None, where)
    slope = f"in flight {step.slope_per_s:+.2g} +- {step.margin_per_s:.2g} per s"
    note = f"{where}: {slope}" if where else slope
    return limits["G7"].judge(variant, step.index, note, "warn" if step.label == "saturated" else "pass")


def books(limits: Thresholds, variant: str, error: float | None, where: str = "") -> Gate:
    """G8: the relative error of Little's law, from `steady.little`."""
    return limits["G8"].judge(variant, error, where)


def single_attempts(limits: Thresholds, variant: str, *, recorded: int, on_wire: int, connections: int) -> Gate:
    """G9: no more requests went over the wire than were recorded (fewer: a connection was refused)."""
    note = f"{connections} connections were opened for {recorded} requests"
    return _needed(limits["G9"], variant, float(max(0, on_wire - recorded)) if recorded else None, note)


def same_answers(limits: Thresholds, variant: str, *, wrong: int, compared: int) -> Gate:
    """G10: under load the answers stayed those that all variants agreed on before."""
    return _needed(limits["G10"], variant, float(wrong) if compared else None, f"{wrong} wrong of {compared} answers")


def own_cores(limits: Thresholds, *, shared: int, pinned: bool) -> Gate:
    """Judge the split: a generator on the cores of the system would slow it down, and itself."""
    note = "" if pinned else "this system cannot pin processes; the split is not enforced"
    return limits["cores"].judge("", float(shared), note)


def equal(limits: Thresholds, variant: str, floors: Mapping[str, Estimate]) -> list[Gate]:
    """A1: the ratios A'/A by metric. Judged by the primary one; the others are noted, with a warning for wide ones.

    Among equal systems a 95 % interval still excludes 1 in every twentieth session, whatever the number of blocks: so
    little is a warning, and claims must exceed it (`noise.claim`).
    """
    note = "; ".join(f"{metric} {_words(floor, 'x')}" for metric, floor in floors.items())
    gates = [limits["A1"].judge(variant, _gap(floors.get(PRIMARY), 1.0), note)]
    limit = limits["A1-width"]
    for metric, floor in floors.items():
        passes = limit.extra.get(f"pass_{metric.rpartition('_')[2]}", limit.passes)
        width = half_width(floor)
        gates.append(replace(limit, passes=passes).judge(variant, width if np.isfinite(width) else None, metric))
    return gates


def order(limits: Thresholds, effect: Estimate | None) -> Gate:
    """A2: the change of the log response per position, from `noise.order_effect`; an effect is only a warning."""
    return limits["A2"].judge("", _gap(effect, 0.0), _words(effect, "per position"))


def control(limits: Thresholds, variant: str, difference_ms: Estimate | None, delay_ms: float) -> Gate:
    """A3: the difference A'' - A finds the delay that was put into A''. A warning if it could as well be nothing."""
    note = f"{delay_ms:g} ms were put in, found {_words(difference_ms, 'ms')}"
    blind = difference_ms is not None and _gap(difference_ms, delay_ms) == 0 and _gap(difference_ms, 0.0) == 0
    return limits["A3"].judge(variant, _gap(difference_ms, delay_ms), note, "warn" if blind else None)


def validity(gates: Iterable[Gate], *more: str) -> Validity:
    """Return whether these gates let numbers be used, with all reasons in words. A warning is none."""
    reasons = [*more, *(reason(gate) for gate in gates if gate.verdict == "fail")]
    return Validity(not reasons, tuple(reasons))


def reason(gate: Gate) -> str:
    """Say in words why a gate failed, and what to do."""
    have = "nothing measured" if gate.value is None else f"{rounded(gate.value)} {gate.unit}"
    limit = gate.limit if gate.fail_above is None else gate.fail_above
    note = f" ({gate.note})" if gate.note else ""
    who = gate.variant or "this machine"
    most = f"{rounded(limit or 0)} {gate.unit}"
    return f"{gate.gate}: {gate.title}: {who} has {have}, the limit is {most}{note}. {gate.advice}"


def _needed(limit: Threshold, variant: str, value: float | None, note: str) -> Gate:
    """Judge what every measurement must show: nothing measured is a failure."""
    return limit.judge(variant, value, note, "fail" if value is None else None)


def _p99(samples: npt.ArrayLike) -> float | None:
    return float(np.quantile(np.asarray(samples), 0.99, method="inverted_cdf")) if np.size(samples) else None


def _gap(estimate: Estimate | None, truth: float) -> float | None:
    """Return how far the interval stays from the truth: 0 when it contains it, None without an interval."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return None
    return max(0.0, estimate.low - truth, truth - estimate.high)


def _words(estimate: Estimate | None, unit: str) -> str:
    if estimate is None or estimate.value is None or estimate.low is None:
        return "nothing that has an interval"
    return f"{rounded(estimate.value)} [{rounded(estimate.low)}, {rounded(estimate.high)}] {unit}"
