"""What to take from each figure, made from the rows it draws: numbers, and no difference beside those of the ratios."""

from reports.latency.loads import topmost
from reports.reading.results import GOODPUT, PREDICTION, RAW_LIMIT, finite
from reports.reading.view import BYSTANDERS, View, short
from reports.wording import interval, listed, number, rate, sentence
from runfile.columns import STAGES
from runfile.facts import Latency

BACK_TO_BACK = "back to back"
BACKLOG = "backlog"


def percentiles(view: View[Latency]) -> str:
    """Tell the medians, and the raw limit at the pace of the load and, where it was measured, without a pause."""
    words = _in_each(view, "p50")
    if not words:
        return "No median response time of a prediction is published."
    paced, hot = _ms(view, RAW_LIMIT, "p50"), _ms(view, RAW_LIMIT, "p50", BACK_TO_BACK)
    without_rest = f" ({hot} where the core never rests)" if hot else ""
    limit = f", with a raw limit of {paced}{without_rest}" if paced else ""
    return f"The median prediction took {words}{limit}."


def stages(view: View[Latency]) -> str:
    """Tell which stage weighs most in each variant; "" where none reported its stages."""
    words = []
    for name in view.variants:
        parts = {stage: stage_ms(view, name, stage) for stage in STAGES}
        if any(parts.values()):
            largest = max(parts, key=lambda stage: parts[stage])
            words.append(f"{largest} in {view.title(name)} ({number(parts[largest], 'ms')})")
    return f"The largest stage is {listed(words)}." if words else ""


def curve(view: View[Latency]) -> str:
    """Tell how slow the slow requests are."""
    words = _in_each(view, "p95")
    if not words:
        return "No variant answered enough requests well to tell how slow its slow ones are."
    return f"One prediction in twenty took at least {words}."


def _in_each(view: View[Latency], percentile: str) -> str:
    """List a response time of predictions as far as it is known."""
    known = {name: ms for name in view.variants if (ms := _ms(view, name, percentile))}
    return listed([f"{ms} in {view.title(name)}" for name, ms in known.items()])


def _ms(view: View[Latency], name: str, percentile: str, case: str = PREDICTION) -> str:
    value = finite(view.percentile(name, case, percentile))
    return "" if value is None else number(value, "ms")


def stage_ms(view: View[Latency], variant: str, stage: str) -> float:
    """Return the median of one stage in ms, 0 where the variant has no such stage or it is withheld."""
    return finite(view.results.find(variant, PREDICTION, f"stage_{stage}_p50")) or 0.0


def rates(view: View[Latency]) -> str:
    """Tell what beyond capacity is still answered in time, and what bystanders notice; "" where no row says so."""
    return " ".join(sentence(words) for words in (_overload(view), _bystanders(view)) if words)


def _overload(view: View[Latency]) -> str:
    """Tell the goodput of each variant at about the same multiple of its own capacity."""
    top = topmost(view)
    words = [words for name, offered in top.rates.items() if (words := _goodput(view, name, offered))]
    return f"answered in time at {top.title}: {listed(words)}" if words else ""


def _goodput(view: View[Latency], name: str, offered: float) -> str:
    """Return what a variant answered in time at one rate, its best step before, and what was left to do."""
    rows = {row.offered_per_s or 0.0: row for row in view.results.by_rate(name, PREDICTION, GOODPUT)}
    known = {at: value for at, row in rows.items() if (value := finite(row)) is not None}
    if offered not in known:
        return ""
    before = [at for at in known if at < offered]
    best = max(before, key=lambda at: known[at], default=None)
    backlog = finite(view.results.at(name, PREDICTION, BACKLOG, offered))
    notes = [] if best is None else [f"at best before {number(known[best])} of {rate(best)}"]
    notes += [] if backlog is None else [f"backlog {number(backlog)}"]
    answered = f"{number(known[offered])} {interval(rows[offered].low, rows[offered].high)}".rstrip()
    more = f" ({'; '.join(notes)})" if notes else ""
    return f"{answered} of {rate(offered)} predictions per second in {view.title(name)}{more}"


def _bystanders(view: View[Latency]) -> str:
    """Tell the median of bystanders at the lowest rate and at the highest that has one; their own rate never rises."""
    case = next((each for each in BYSTANDERS if each in view.cases), "")
    words = []
    for name in view.variants:
        rows = [row for row in view.results.by_rate(name, case, "response_p50") if row.known]
        if len(rows) > 1:
            first, last = number(rows[0].value, "ms"), number(rows[-1].value, "ms")
            words.append(f"{first} and {last} at {rate(rows[-1].offered_per_s)} per second in {view.title(name)}")
    said = "the median at the lowest rate of predictions and at the highest that has one"
    return f"{short(case)}, {said}: {listed(words)}" if words else ""
