"""What a run prints at its end: the numbers in brief, and whether they may be used."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.gates.judging import PRIMARY
from bench.latency.results import LEVELS, Row


def closing_words(facts: Mapping[str, Any], table: Sequence[Row]) -> list[str]:
    """Return the lines: response times, capacities, comparisons, promises, gates that did not pass."""
    lines = [*response_times(table), ""]
    lines += [capacity_words(each) for each in facts["capacity"]]
    lines += [facts["crossover"]["words"]] if facts["crossover"] else []
    lines += floor_words(facts["noise_floor"]) if facts["trials"] else []
    floor = floor_of_ratios(facts["noise_floor"])
    lines += [f"{check['verdict']:>9}: {check_words(check, floor)}" for check in facts["checks"]]
    if facts["state"] != "complete":
        lines.append(f"The run was {facts['state']}; what was measured before is kept.")
    if not facts["validity"]["valid"]:
        lines += ["This run is not valid, do not use its numbers:"]
        lines += [f"  - {reason}" for reason in facts["validity"]["reasons"]]
    return lines


def capacity_words(found: Mapping[str, Any]) -> str:
    """Return a bracket in one line."""
    low, high, name = found["low"], found["high"], f"{found['variant']:<22} carries"
    objective = f"{1 - found['share']:.0%} within {found['slo_ms']:g} ms"
    if low and high:
        return f"{name} between {low:.3g} and {high:.3g} predictions per second ({objective})"
    if low or high:
        what = f"at least {low:.3g}" if low else f"less than {high:.3g}"
        return f"{name} {what} predictions per second ({objective})"
    return f"{name} an unknown load: too few requests for any rate ({objective})"


def floor_words(floors: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the noise floor in a line."""
    known = [f"{each['metric']} +-{each['half_width']:.1%}" for each in floors if each["half_width"] is not None]
    if not known:
        return ["The noise floor was not measured (the profile full does), so no difference is claimed."]
    return [f"Noise floor, from two equal systems: {', '.join(known)}. No smaller ratio is claimed."]


def floor_of_ratios(floors: Sequence[Mapping[str, Any]]) -> str:
    """Return the noise floor as what stands beside every ratio."""
    width = next((each["half_width"] for each in floors if each["metric"] == PRIMARY), None)
    return "noise floor not measured" if width is None else f"noise floor +-{width:.1%}"


def check_words(check: Mapping[str, Any], floor: str) -> str:
    """Return a check in one line: title, value with interval, limit, noise floor of a ratio, note."""
    value, low, high = (check[key] for key in ("value", "low", "high"))
    shown = f"{value:.3g}" if isinstance(value, float) else "-"
    around = f" [{low:.3g}, {high:.3g}]" if isinstance(low, float) and isinstance(high, float) else ""
    ratio = f", {floor}" if check["unit"] == "x" else ""
    note = f" ({check['note']})" if check["note"] else ""
    return f"{check['title']}: {shown}{around} {check['unit']}, limit {check['limit']:g}{ratio}{note}"


def response_times(table: Sequence[Row]) -> list[str]:
    """Return a small plain table of the response times for the end of a run: predictions at every rate, rest at low."""
    head = f"{'variant':<22} {'case':<11} {'offered/s':>9} {'p50 ms':>20} {'p95 ms':>9} {'failed':>7} {'n':>6}"
    cells = {(row["variant"], row["case"], row["offered_per_s"], row["metric"]): row for row in table}
    lines, seen = [head], set()
    for variant, case, rate, metric in cells:
        if metric != "response_p50" or (case != "prediction" and (variant, case) in seen):
            continue
        seen.add((variant, case))
        own = {name: cells.get((variant, case, rate, name), {}) for name in (*LEVELS, "failed_share")}
        lines.append(line((str(variant), str(case), rate), own))
    return lines


def line(of: tuple[str, str, object], own: Mapping[str, Row]) -> str:
    """Return one line of that table."""
    variant, case, rate = of
    middle = own["response_p50"]
    around = f"{number(middle)} [{number(middle, 'low')}, {number(middle, 'high')}]"
    shown = around if middle.get("value") is not None else str(middle.get("verdict") or "-")
    share = own["failed_share"].get("value")
    failed = f"{share:.1%}" if isinstance(share, float) else "-"
    offered = f"{rate:.3g}" if isinstance(rate, float) else ""
    tail = f"{number(own['response_p95']):>9} {failed:>7} {middle['n']:>6}"
    return f"{variant:<22} {case:<11} {offered:>9} {shown:>20} {tail}"


def number(row: Row, key: str = "value") -> str:
    """Return a number for people; `-` where it is withheld."""
    value = row.get(key)
    return f"{value:.4g}" if isinstance(value, float) else "-"
