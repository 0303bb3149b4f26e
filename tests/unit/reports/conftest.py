"""Run folders for the tests of the reports: small, explicit, written as bench writes them."""

import csv
import json
import math

import pyarrow as pa
import pytest
from pyarrow import parquet

from reports import runfolder, view
from tests.unit.reports import staircase

COLUMNS = ("experiment", "variant", "case", "metric", "value", "low", "high", "unit", "n", "verdict")
OFFERED = "offered_per_s"
TITLES = {"embedded": "Embedded", "model_in_db": "Model in the database", "model_as_service": "Model as a service"}
MEDIANS = {"embedded": 26.0, "model_in_db": 4.0, "model_as_service": 31.0}  # ms
STAGES = {
    "embedded": {"app": 0.6, "db": 0.9, "decode": 5.2, "queue": 0.4, "infer": 17.1},
    "model_in_db": {"app": 0.6, "db": 1.4},
    "model_as_service": {"app": 0.9, "db": 0.9, "decode": 5.4, "queue": 2.1, "infer": 17.4},
}


def result(variant, case, metric, value, low="", high="", unit="ms", n=1200, verdict="", offered=""):  # noqa: PLR0913, PLR0917
    """One row of results.csv; `offered` is the load of its step in predictions per second."""
    cells = ("latency", variant, case, metric, value, low, high, unit, n, verdict, offered)
    return dict(zip((*COLUMNS, OFFERED), cells, strict=True))


def result_rows(variants):
    """Response times with narrow intervals, stages, failures and the raw limit."""
    rows = []
    for name in variants:
        median = MEDIANS.get(name, 10.0)
        for case, base in {"prediction": median, "metadata": 2.4, "page": 3.1, "image": 2.8}.items():
            for metric, factor in {"response_p50": 1, "response_p95": 1.6, "response_p99": 2.3}.items():
                value = base * factor
                rows.append(result(name, case, metric, value, value * 0.96, value * 1.05))
            rows.append(result(name, case, "failed_share", 0.0, 0.0, 0.003, "share"))
        rows += [
            result(name, "prediction", f"stage_{stage}_p50", value) for stage, value in STAGES.get(name, {}).items()
        ]
    rows.append(result("raw limit", "back to back", "response_p50", 20.0))
    rows += [result("raw limit", "prediction", f"response_{p}", 24.0 + i) for i, p in enumerate(("p50", "p95", "p99"))]
    return rows


def request_rows(variants, per_variant=400):
    """Requests every 10 ms, the later ones slower; the first ten are warm-up."""
    rows = []
    for name in variants:
        for index in range(-10, per_variant):
            intended = index * 10_000_000
            elapsed = MEDIANS.get(name, 10.0) * (0.9 + 0.8 * ((index * 37) % 100 / 100) ** 4) * 1e6
            rows.append(
                {
                    "trial": 0, "block": 0, "variant": name, "case": "prediction", "intended_ns": intended,
                    "sent_ns": intended, "done_ns": int(intended + elapsed), "status": 200, "outcome": "ok",
                }
            )  # fmt: skip
    return rows


def run_record(variants, profile="quick", blocks=2, **changes):
    """run.json of a run in which all went well."""
    process = {"name": "web", "roles": ["pages"], "run": ["gunicorn", "--bind", "127.0.0.1:{port}", "app:create_app()"]}
    model = {"name": "efficientnet-lite", "version": "1", "provider": "CPUExecutionProvider"}
    trials = [
        {
            "trial": block * len(variants) + place, "block": block, "position": place, "variant": name,
            "started_at": "2026-11-22T13:15:10Z", "rate_per_s": 20, "warmup_s": 5, "window_s": 20,
            "scheduled": 400, "completed": 400, "failed": 0, "dropped": 0,
        }
        for block in range(blocks)
        for place, name in enumerate(variants)
    ]  # fmt: skip
    record = {
        "schema": "sweetspot.run/1",
        "id": f"20261122T131500Z-{profile}",
        "profile": profile,
        "state": "complete",
        "started_at": "2026-11-22T13:15:00Z",
        "finished_at": "2026-11-22T13:19:30Z",
        "seed": 7,
        "command": ["sweetspot", "run", "latency", "--profile", profile, "--seed", "7"],
        "settings": {"rate_per_s": 20, "window_s": 20, "arrivals": "poisson"},
        "machine": {
            "os": "Debian 12", "cpu": "AMD EPYC 7B13", "cores": 2, "memory_bytes": 8 * 2**30, "python": "3.11.7",
            "kernel": "6.1", "sut_cores": [0], "generator_cores": [1],
        },
        "versions": {"sweetspot": "0.1.0", "locust": "2.47.0"},
        "variants": [
            {"name": name, "title": TITLES.get(name, name), "model": model, "processes": [process]} for name in variants
        ],
        "trials": trials,
        "checks": [
            {
                "title": "embedded: p50 of a prediction over the raw limit", "value": 1.08, "low": 1.05, "high": 1.1,
                "limit": 1.25, "unit": "ratio", "verdict": "met", "note": "",
            }
        ],
        "gates": [
            {
                "gate": "G2", "title": "Every scheduled request was sent", "variant": name, "value": 1.0, "limit": 1.0,
                "unit": "share", "passed": True, "note": "Lower the rate.",
            }
            for name in variants
        ],
        "validity": {"valid": True, "reasons": []},
    }  # fmt: skip
    return record | changes


def write_requests(path, rows):
    """requests.parquet with the columns that the reports read and a few that they do not."""
    table = pa.Table.from_pylist(rows)
    parquet.write_table(table, path)


class Builder:
    """Writes a run folder; every part may be replaced, or left out by naming it in `without`."""

    def __init__(self, root):
        self.root = root

    def __call__(self, *, variants=tuple(TITLES), rows=None, requests=None, without=(), name="run", **changes):
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        record = run_record(variants, **changes)
        (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
        if "results.csv" not in without:
            self.results(folder, result_rows(variants) if rows is None else rows)
        if "requests.parquet" not in without:
            write_requests(folder / "requests.parquet", request_rows(variants) if requests is None else requests)
        return folder

    @staticmethod
    def results(folder, rows):
        with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
            stepped = [OFFERED] if any(row.get(OFFERED) for row in rows) else []  # older runs lack the column
            writer = csv.DictWriter(file, [*COLUMNS, *stepped], extrasaction="ignore")
            writer.writeheader()
            writer.writerows({**row, "value": "inf" if row["value"] == math.inf else row["value"]} for row in rows)

    def staircase(self, *, variants=tuple(TITLES), blocks=2, **changes):
        """Build a run whose load rises in steps."""
        trials = run_record(variants, blocks=blocks)["trials"]
        files = {"rows": staircase.rows(variants, result), "requests": list(staircase.requests(variants))}
        return self(variants=variants, **(files | staircase.record(trials) | changes))


@pytest.fixture
def build(tmp_path):
    """Build run folders."""
    return Builder(tmp_path)


@pytest.fixture
def seen():
    """Read a run folder as the page sees it."""
    return lambda folder: view.build(runfolder.read(folder))


@pytest.fixture
def row():
    """Make rows of results.csv."""
    return result


@pytest.fixture
def rows():
    """Make the rows of a whole run."""
    return result_rows
