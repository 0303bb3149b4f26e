"""What a run of the latency experiment prints at its end: the numbers in brief, and what they say."""

from collections.abc import Mapping, Sequence

from bench.latency.ratios import CASE, METRICS
from bench.latency.results import LEVELS
from bench.terminal import rounded
from runfile.facts import Capacity, Check, Floor, Latency, Ratio, Run
from runfile.rows import ResultRow

PRIMARY = METRICS[0]
Cells = Mapping[tuple[str, str, float | None, str], ResultRow]


def words(run: Run, rows: Sequence[ResultRow]) -> list[str]:
    """Return the lines: response times, who is faster, capacities, noise floor, promises."""
    found = run.experiments.latency or Latency()
    lines = [*response_times(rows), "", *comparisons(found)]
    lines += [capacity_words(each) for each in found.capacity]
    lines += [found.crossover.words] if found.crossover else []
    lines += floor_words(found.noise_floor or ()) if found.trials else []
    width = next((each.half_width for each in found.noise_floor or () if each.metric == PRIMARY), None)
    floor = "noise floor not measured" if width is None else f"noise floor +-{width:.1%}"
    return lines + [f"{check.verdict:>9}: {check_words(check, floor)}" for check in found.checks]


def comparisons(found: Latency) -> list[str]:
    """Return who is faster at low load, as far as that may be claimed."""
    low = min((each.offered_per_s or 0.0 for each in found.ratios), default=0.0)
    own = [each for each in found.ratios if each.metric == PRIMARY and each.offered_per_s == low]
    return [comparison_words(each) for each in own if each.low is not None] if found.verdicts else []


def comparison_words(each: Ratio) -> str:
    """Return one ratio in a line."""
    value, around = each.value or 0.0, f"[{rounded(each.low)}, {rounded(each.high)}]"
    at = f"at {rounded(each.offered_per_s)} predictions per second"
    if not each.claim:
        return f"{each.left} and {each.right} cannot be told apart {at}: {rounded(value)} {around} of its time (p50)"
    word = "slower" if value > 1 else "faster"
    return f"{each.left} is {word} than {each.right} {at}: {rounded(value)} {around} of its time (p50)"


def capacity_words(found: Capacity) -> str:
    """Return a bracket in one line."""
    low, high, name = found.low, found.high, f"{found.variant:<22} carries"
    objective = f"{1 - (found.share or 0.0):.0%} within {found.slo_ms:g} ms"
    if low and high:
        return f"{name} between {rounded(low)} and {rounded(high)} predictions per second ({objective})"
    if low or high:
        what = f"at least {rounded(low)}" if low else f"less than {rounded(high)}"
        return f"{name} {what} predictions per second ({objective})"
    return f"{name} an unknown load: too few requests for any rate ({objective})"


def floor_words(floors: Sequence[Floor]) -> list[str]:
    """Return the noise floors in a line."""
    known = [
        f"{each.metric} +-{each.half_width:.1%} at {rounded(each.offered_per_s)}/s"
        for each in floors
        if each.half_width is not None and each.offered_per_s is not None
    ]
    if not known:
        return ["The noise floor was not measured, so no difference is claimed."]
    return [f"Noise floor, from two equal systems: {', '.join(known)}. No smaller ratio is claimed."]


def check_words(check: Check, floor: str) -> str:
    """Return a check in one line: title, value with interval, limit, noise floor of a ratio, note."""
    shown = rounded(check.value)
    around = "" if check.low is None or check.high is None else f" [{rounded(check.low)}, {rounded(check.high)}]"
    ratio = f", {floor}" if check.is_ratio else ""
    note = f" ({check.note})" if check.note else ""
    return f"{check.title}: {shown}{around} {check.unit}, limit {check.limit:g}{ratio}{note}"


def response_times(table: Sequence[ResultRow]) -> list[str]:
    """Return a small plain table of the response times for the end of a run: predictions at every rate, rest at low."""
    head = f"{'variant':<22} {'case':<11} {'offered/s':>9} {'p50 ms':>20} {'p95 ms':>9} {'failed':>7} {'n':>6}"
    cells = {(row.variant, row.case, row.offered_per_s, row.metric): row for row in table}
    lines = dict[tuple[str, str, float | None], str]()
    for variant, case, rate, metric in cells:
        if metric == PRIMARY:
            lines.setdefault((variant, case, rate if case == CASE else None), line(cells, variant, case, rate))
    return [head, *lines.values()]


def line(cells: Cells, variant: str, case: str, rate: float | None) -> str:
    """Return one line of that table."""
    own = {name: cells.get((variant, case, rate, name)) for name in (*LEVELS, "failed_share")}
    middle, failed = own[PRIMARY], own["failed_share"]
    shown = "-"
    if middle is not None:
        around = f"{rounded(middle.value, 4)} [{rounded(middle.low, 4)}, {rounded(middle.high, 4)}]"
        shown = around if middle.value is not None else middle.verdict
    share = "-" if failed is None or failed.value is None else f"{failed.value:.1%}"
    late, count = own["response_p95"], "" if middle is None else middle.n
    offered = rounded(rate) if rate else ""
    tail = f"{rounded(late.value if late else None, 4):>9} {share:>7} {count:>6}"
    return f"{variant:<22} {case:<11} {offered:>9} {shown:>20} {tail}"
