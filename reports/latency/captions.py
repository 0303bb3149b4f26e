"""What to take from each figure, made from the rows it draws: numbers, and no difference beside those of the ratios."""

import math

from reports.latency.loads import shares, topmost
from reports.reading.results import GOODPUT, PREDICTION, RAW_LIMIT
from reports.reading.view import BYSTANDERS, STAGES, View, short
from reports.wording import interval, listed, number, rate, sentence
from runfile.facts import Latency

BACK_TO_BACK = "back to back"
BACKLOG = "backlog"


def percentiles(view: View[Latency]) -> str:
    """Tell the medians, and how far the raw limit is."""
    words = [f"{median} in {view.title(name)}" for name in view.variants if (median := _ms(view, name, "p50"))]
    if not words:
        return "No median response time of a prediction is published."
    return f"The median prediction took {listed(words)}{_raw_limit(view)}."


def stages(view: View[Latency]) -> str:
    """Tell which stage weighs most in each variant."""
    words = []
    for name in view.variants:
        parts = {stage: stage_ms(view, name, stage) for stage in STAGES}
        if any(parts.values()):
            largest = max(parts, key=lambda stage: parts[stage])
            words.append(f"{largest} in {view.title(name)} ({number(parts[largest], 'ms')})")
    return f"The largest stage is {listed(words)}."


def curve(view: View[Latency]) -> str:
    """Tell how slow the slow requests are."""
    words = [
        f"{slow} in {view.title(each.variant)}" for each in view.curves if (slow := _ms(view, each.variant, "p95"))
    ]
    if not words:
        return "No variant answered enough requests well to tell how slow its slow ones are."
    return f"One prediction in twenty took at least {listed(words)}."


def stage_ms(view: View[Latency], variant: str, stage: str) -> float:
    """Return the median of one stage in ms, 0 where the variant has no such stage or it is withheld."""
    row = view.results.find(variant, PREDICTION, f"stage_{stage}_p50")
    value = row.value if row is not None and row.known else None
    return value if value is not None and math.isfinite(value) else 0.0


def rates(view: View[Latency]) -> str:
    """Tell what beyond capacity is still answered in time, and what bystanders notice; "" where no row says so."""
    said = [words for words in (_overload(view), _bystanders(view)) if words]
    return " ".join(map(sentence, said))


def _overload(view: View[Latency]) -> str:
    """Tell the goodput of each variant at about the same multiple of its own capacity."""
    top = topmost(view)
    words = [words for name, offered in top.items() if (words := _goodput(view, name, offered))]
    known = [share for name, offered in top.items() if (share := shares(view, name).get(offered))]
    where = f"about {min(known):.2g} times their own capacity" if known else "their highest rates"
    return f"answered in time at {where}: {listed(words)}" if words else ""


def _goodput(view: View[Latency], name: str, offered: float) -> str:
    """Return what a variant answered in time at one rate, its best step before, and what was left to do."""
    rows = [row for row in view.results.by_rate(name, PREDICTION, GOODPUT) if row.value is not None]
    now = next((row for row in rows if row.offered_per_s == offered), None)
    if now is None:
        return ""
    before = [row for row in rows if (row.offered_per_s or 0.0) < offered]
    best = max(before, key=lambda row: row.value or 0.0, default=None)
    backlog = view.results.at(name, PREDICTION, BACKLOG, offered)
    notes = [f"at best before {number(best.value)} of {rate(best.offered_per_s)}"] if best else []
    notes += [f"backlog {number(backlog.value)}"] if backlog and backlog.value is not None else []
    answered = f"{number(now.value)} {interval(now.low, now.high)}".rstrip()
    more = f" ({'; '.join(notes)})" if notes else ""
    return f"{answered} of {rate(offered)} predictions per second in {view.title(name)}{more}"


def _bystanders(view: View[Latency]) -> str:
    """Tell the median of bystanders at the lowest rate and at the highest that has one; their own rate never rises."""
    case = next((each for each in BYSTANDERS if each in view.cases), "")
    words = [words for name in view.variants if (words := _ends(view, name, case))]
    said = "the median at the lowest rate of predictions and at the highest that has one"
    return f"{short(case)}, {said}: {listed(words)}" if words else ""


def _ends(view: View[Latency], name: str, case: str) -> str:
    rows = [row for row in view.results.by_rate(name, case, "response_p50") if row.known and row.value is not None]
    if len(rows) <= 1:
        return ""
    first, last = rows[0], rows[-1]
    at = f"at {rate(last.offered_per_s)} per second in {view.title(name)}"
    return f"{number(first.value, 'ms')} and {number(last.value, 'ms')} {at}"


def _raw_limit(view: View[Latency]) -> str:
    """Tell the bare model's median at the pace of the load and, where it was measured, without a pause."""
    paced, hot = _ms(view, RAW_LIMIT, "p50"), _ms(view, RAW_LIMIT, "p50", BACK_TO_BACK)
    if not paced:
        return ""
    return f", with a raw limit of {paced}" + (f" ({hot} where the core never rests)" if hot else "")


def _ms(view: View[Latency], name: str, percentile: str, case: str = PREDICTION) -> str:
    row = view.percentile(name, case, percentile)
    return number(row.value, "ms") if row is not None and row.known and row.value != math.inf else ""
