"""What Prometheus reads: every promise of `metrics.py` as the number that it becomes."""

from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from prometheus_client.parser import text_string_to_metric_families

from model_as_service.server.batch import Outcome
from model_as_service.server.lanes import INTERACTIVE, Job
from model_as_service.server.metrics import Metrics
from tests.unit.model_as_service.server.fakes import FakeModel, loaded


@pytest.fixture
def state() -> SimpleNamespace:
    return SimpleNamespace(served=[loaded(FakeModel())], depth=3, hangs=False, fails=False, held=7, total=100)


@pytest.fixture
def metrics(state: SimpleNamespace) -> Metrics:
    metrics = Metrics()
    metrics.watch(state, state, state)  # type: ignore[arg-type]
    return metrics


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Read the text, as Prometheus would."""
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            if sample.name == f"sweetspot_inference_{name}" and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


def test_an_answered_request(metrics: Metrics) -> None:
    job = Job(loaded(FakeModel()), [b"a"], 10.0, 99.0, INTERACTIVE, Mock())
    job.begun, job.decode_s, job.infer_s = 11.0, 0.25, 0.5
    metrics.answered(job, 0.125)
    assert value(metrics, "requests_total", status="200") == 1
    stages = {
        stage: value(metrics, "stage_seconds_sum", stage=stage) for stage in ("queue", "decode", "infer", "encode")
    }
    assert stages == {"queue": 1.0, "decode": 0.25, "infer": 0.5, "encode": 0.125}


def test_a_refused_request(metrics: Metrics) -> None:
    metrics.refused(503, "deadline")
    assert value(metrics, "requests_total", status="503") == value(metrics, "refusals_total", reason="deadline") == 1


def test_a_batch(metrics: Metrics) -> None:
    metrics.batch(Outcome([None] * 4, 0.0, 0.0, 0.0, whole=True))  # type: ignore[list-item]
    assert value(metrics, "batch_size_sum") == 4
    assert value(metrics, "batch_size_bucket", le="2.0") == 0


@pytest.mark.parametrize(("hangs", "fails", "healthy"), [(False, False, 1), (True, False, 0), (False, True, 0)])
def test_the_state_is_that_of_the_moment(
    metrics: Metrics, state: SimpleNamespace, *, hangs: bool, fails: bool, healthy: int
) -> None:
    assert value(metrics, "queue_depth") == 3
    state.depth, state.hangs, state.fails = 0, hangs, fails
    assert (value(metrics, "queue_depth"), value(metrics, "runner_healthy")) == (0, healthy)


def test_only_what_is_loaded_is_reported(metrics: Metrics, state: SimpleNamespace) -> None:
    assert value(metrics, "model_load_seconds", version="1", provider="FakeProvider", sha256="0" * 64) == 0.25
    state.served = [loaded(FakeModel(version="2"))]
    assert value(metrics, "model_load_seconds", version="1") is None
    assert value(metrics, "model_load_seconds", model="fake", version="2") == 0.25
