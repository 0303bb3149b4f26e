"""Prometheus metrics of one web worker, merged over all workers of a gunicorn where it runs several.

gunicorn's configuration names a folder in PROMETHEUS_MULTIPROC_DIR before a worker imports this; the worker then keeps
its values in files there (`metric_files`), and whichever worker answers `/metrics` adds them up.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from flask import Request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from webapp.metric_files import whole
from webapp.predictor import Model

# From a millisecond, where a stored answer lives, to the seconds of an overload.
SECONDS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.025, 0.04, 0.064, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 10.0)


MOST_SERIES = 1500  # of both histograms: what fits into the room of `metric_files`, and no client can make more
METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}


class Metrics:
    """What an operator watches: requests, their stages, the outcomes of predictions, the model in use."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._answering: Model | None = None
        self._children: dict[tuple[object, ...], Histogram] = {}
        self._requests = Histogram(
            "sweetspot_request_seconds",
            "Time inside the web server",
            ["route", "method", "status"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._stages = Histogram(
            "sweetspot_stage_seconds", "Time in a stage", ["route", "stage"], buckets=SECONDS, registry=self.registry
        )
        self._predictions = Counter(
            "sweetspot_predictions", "Prediction requests by outcome", ["outcome"], registry=self.registry
        )
        self._model = Gauge(
            "sweetspot_model_info",
            "The model that answers and the provider that runs it",
            ["name", "version", "provider"],
            registry=self.registry,
            multiprocess_mode="livemostrecent",
        )

    def observe(self, request: Request, status: int, outcome: str, stages: dict[str, float], total: float) -> None:
        """Count one answered request; times in seconds."""
        route = str(request.url_rule) if request.url_rule else "none"
        method = request.method if request.method in METHODS else "other"  # a client may send any word
        self._child(self._requests, route, method, str(status)).observe(total)
        for stage, seconds in stages.items():
            self._child(self._stages, route, stage).observe(seconds)
        if "prediction" in route:
            self._predictions.labels(outcome).inc()

    def _child(self, histogram: Histogram, *labels: str) -> Histogram:
        """Find the series of these labels; `labels` itself costs as much as all the rest of counting."""
        key = (histogram, labels)
        child = self._children.get(key)
        if child is None and len(self._children) >= MOST_SERIES:
            child = self._children[key[:1]] = histogram.labels(*["other"] * len(labels))
        elif child is None:
            child = self._children[key] = histogram.labels(*labels)
        return child

    def model(self, model: Model) -> None:
        """Report the model that answers, and that another one no longer does."""
        if self._answering not in (None, model):
            self._model.labels(self._answering.name, self._answering.version, self._answering.provider).set(0)
        self._answering = model
        self._model.labels(model.name, model.version, model.provider).set(1)

    def text(self) -> bytes:
        """Write all values in Prometheus' text format."""
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        if folder is None:
            return generate_latest(self.registry)
        merged = CollectorRegistry()
        merged.register(_AllWorkers(Path(folder)))
        return generate_latest(merged)


class _AllWorkers(Collector):
    """The files of all workers added up; prometheus_client's own collector takes its folder for a pattern of names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        return MultiProcessCollector.merge([str(path) for path in whole(self._folder)])  # type: ignore[no-untyped-call, no-any-return]
