"""The rows of results.csv: every number that a report may print is one of them."""

import pandas as pd

from bench.analysis.quantities import RAW_LIMIT, Quantities
from bench.analysis.stats import Estimate

EXPERIMENT = "latency"
LEVELS = ("response_p50", "response_p95", "response_p99", "service_p50", "lag_p99")
STAGES = ("stage_app_p50", "stage_db_p50", "stage_decode_p50", "stage_queue_p50", "stage_infer_p50")
RAW = ("response_p50", "response_p95", "response_p99", "stage_decode_p50", "stage_infer_p50")

Row = dict[str, object]


def rows(requests: pd.DataFrame, found: Quantities, window_s: float, checks: list[Row]) -> list[Row]:
    """Return all rows: levels per variant and case, the raw limit, the checks."""
    table: list[Row] = []
    for (variant, case), group in requests.groupby(["variant", "case"], sort=False):
        table += of_case(str(variant), str(case), group, found, window_s)
    for case in ("prediction", "back to back"):
        table += [level(RAW_LIMIT, case, metric, found) for metric in RAW if found.pooled(raw_key(case, metric)).size]
    return table + [of_check(check) for check in checks]


def of_case(variant: str, case: str, group: pd.DataFrame, found: Quantities, window_s: float) -> list[Row]:
    """Return the rows of one variant and case."""
    metrics = LEVELS + (STAGES if case == "prediction" else ())
    table = [level(variant, case, metric, found) for metric in metrics]
    table = [row for row in table if row["n"] or str(row["metric"]) in LEVELS]  # a stage that nobody reports has no row
    answered = int(group["done_ns"].notna().sum())
    failed = int((group["outcome"] != "ok").sum())
    span_s = window_s * group["trial"].nunique()
    table.append(row(variant, case, "failed_share", plain(failed / len(group), len(group)), "share"))
    table.append(row(variant, case, "achieved_rate", plain(answered / span_s, len(group)), "1/s"))
    return table


def raw_key(case: str, metric: str) -> tuple[str, str, str]:
    """Return where the samples of a metric of the raw limit are."""
    return RAW_LIMIT, case, metric.rpartition("_p")[0]


def plain(value: float, n: int) -> Estimate:
    """Return a count-based number without interval."""
    return Estimate(value, None, None, n)


def level(variant: str, case: str, metric: str, found: Quantities) -> Row:
    """Return the row of one percentile."""
    return row(variant, case, metric, found.level(variant, case, metric), "ms")


def row(variant: str, case: str, metric: str, estimate: Estimate, unit: str) -> Row:
    """Return one row; a number that the samples cannot carry is withheld."""
    return {
        "experiment": EXPERIMENT,
        "variant": variant,
        "case": case,
        "metric": metric,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "unit": unit,
        "n": estimate.n,
        "verdict": "withheld" if estimate.value is None else "",
    }


def of_check(check: Row) -> Row:
    """Return the row of a check; its title stands for the metric."""
    shared = {key: check[key] for key in ("value", "low", "high", "unit", "n", "verdict")}
    return {"experiment": EXPERIMENT, "variant": "", "case": "", "metric": f"check: {check['title']}", **shared}


def words(table: list[Row]) -> list[str]:
    """Return a small plain table of the response times for the end of a run."""
    lines = [f"{'variant':<20} {'case':<12} {'p50 ms':>22} {'p95 ms':>10} {'p99 ms':>10} {'failed':>8} {'n':>7}"]
    cells = {(row["variant"], row["case"], row["metric"]): row for row in table}
    for variant, case, metric in cells:
        if metric == "response_p50":
            own = {name: cells.get((variant, case, name), {}) for name in (*LEVELS, "failed_share")}
            middle = own["response_p50"]
            around = f"{number(middle)} [{number(middle, 'low')}, {number(middle, 'high')}]" if middle["n"] else "-"
            share = own["failed_share"].get("value")
            failed = f"{share:.1%}" if isinstance(share, float) else "-"
            tail = f"{number(own['response_p95']):>10} {number(own['response_p99']):>10} {failed:>8} {middle['n']:>7}"
            lines.append(f"{variant!s:<20} {case!s:<12} {around:>22} {tail}")
    return lines


def number(row: Row, key: str = "value") -> str:
    """Return a number for people; `-` where it is withheld."""
    value = row.get(key)
    return f"{value:.2f}" if isinstance(value, float) else "-"
