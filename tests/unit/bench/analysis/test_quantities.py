import numpy as np
import pandas as pd
import pytest

from bench.analysis.quantities import RAW_LIMIT, collect, parse
from bench.load.answers import STAGES
from bench.machine.limit import Limit


def request(
    outcome: str = "ok", sent: float | None = 2e6, done: float | None = 12e6, **more: object
) -> dict[str, object]:
    common = {"trial": 1, "block": 1, "variant": "v", "case": "prediction", "intended_ns": 1_000_000}
    stages = {f"stage_{name}_ms": None for name in STAGES}
    return {**common, **stages, "sent_ns": sent, "done_ns": done, "outcome": outcome, **more}


def table(*rows: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame(rows)


def test_response_counts_from_the_intended_time_and_service_from_the_sent_one():
    found = collect(table(request()), {})
    assert found.pooled(("v", "prediction", "response")).tolist() == [11.0]
    assert found.pooled(("v", "prediction", "service")).tolist() == [10.0]
    assert found.pooled(("v", "prediction", "lag")).tolist() == [1.0]


@pytest.mark.parametrize("outcome", ["pending", "degraded", "refused", "error", "wrong", "reset", "timeout"])
def test_whatever_is_not_the_right_answer_is_infinitely_slow_and_has_no_service_time(outcome: str):
    found = collect(table(request(outcome)), {})
    assert found.pooled(("v", "prediction", "response")).tolist() == [np.inf]
    assert found.pooled(("v", "prediction", "service")).size == 0


def test_a_dropped_request_counts_as_failed_and_has_no_lag():
    found = collect(table(request("dropped", sent=None, done=None)), {})
    assert found.pooled(("v", "prediction", "response")).tolist() == [np.inf]
    assert found.pooled(("v", "prediction", "lag")).size == 0


def test_blocks_are_kept_apart_and_pooled_on_demand():
    found = collect(table(*[request(block=block, done=2e6 + block * 1e6) for block in (1, 2) for _ in range(6)]), {})
    assert found.by_block("v", "prediction", "service_p50") == {1: 1.0, 2: 2.0}
    assert found.level("v", "prediction", "service_p50").n == 12


def test_stages_and_the_raw_limit_are_quantities_too():
    found = collect(
        table(request(stage_infer_ms=7.0)), {(1, "prediction"): Limit({"response": [3.0], "stage_infer": [2.0]}, "cpu")}
    )
    assert found.pooled(("v", "prediction", "stage_infer")).tolist() == [7.0]
    assert found.pooled((RAW_LIMIT, "prediction", "response")).tolist() == [3.0]


@pytest.mark.parametrize(("metric", "expected"), [("response_p50", 0.5), ("lag_p99", 0.99), ("response_p999", 0.999)])
def test_a_metric_names_its_percentile(metric: str, expected: float):
    assert parse(metric) == (metric.rpartition("_")[0], expected)
