"""What the server tells Prometheus: how long each stage took, how large batches were, who was refused and why."""

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from model_as_service.server.batch import Outcome
    from model_as_service.server.bodies import Budget
    from model_as_service.server.lanes import Job
    from model_as_service.server.repository import Repository
    from model_as_service.server.scheduler import Scheduler

PREFIX = "sweetspot_inference"
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5)
STAGES = ("queue", "decode", "infer", "encode")


class Metrics:
    """One registry for one server. Label sets are looked up ahead: that is most of the price of an observation."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            f"{PREFIX}_requests", "Inference requests by status.", ("status",), registry=self.registry
        )
        self._refused = Counter(
            f"{PREFIX}_refusals", "Requests without an answer, by reason.", ("reason",), registry=self.registry
        )
        stages = Histogram(
            f"{PREFIX}_stage_seconds",
            "What a request spent where.",
            ("stage",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._stages = {stage: stages.labels(stage) for stage in STAGES}
        self._batch = Histogram(
            f"{PREFIX}_batch_size", "Images in a batch.", buckets=(1, 2, 4, 8, 16, 32), registry=self.registry
        )
        self._ok = self._requests.labels("200")
        self._loads = Gauge(
            f"{PREFIX}_model_load_seconds", "How long a version took to load.",
            ("model", "version", "provider", "sha256"), registry=self.registry,
        )  # fmt: skip

    def watch(self, repository: "Repository", scheduler: "Scheduler", budget: "Budget") -> None:
        """Report the state of these three whenever the metrics are read."""
        self._repository = repository
        depth = Gauge(f"{PREFIX}_queue_depth", "Images that wait for the model.", registry=self.registry)
        depth.set_function(lambda: scheduler.depth)
        held = Gauge(f"{PREFIX}_body_bytes", "Bytes of bodies that are held.", registry=self.registry)
        held.set_function(lambda: budget.held)
        most = Gauge(f"{PREFIX}_body_budget_bytes", "How many may be.", registry=self.registry)
        most.set(budget.total)
        healthy = Gauge(f"{PREFIX}_runner_healthy", "1, or 0 when the model hangs or fails.", registry=self.registry)
        healthy.set_function(lambda: float(not (scheduler.hangs or scheduler.fails)))

    def batch(self, outcome: "Outcome") -> None:
        """Note a batch that the model ran."""
        self._batch.observe(len(outcome.answers))

    def answered(self, job: "Job", encode_s: float) -> None:
        """Note a request that got its answer."""
        self._ok.inc()
        self._stages["queue"].observe(job.queue_s)
        self._stages["decode"].observe(job.decode_s)
        self._stages["infer"].observe(job.infer_s)
        self._stages["encode"].observe(encode_s)

    def refused(self, status: int, reason: str) -> None:
        """Note a request that got none."""
        self._requests.labels(str(status)).inc()
        self._refused.labels(reason).inc()

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        self._loads.clear()
        for version in self._repository.served:
            model = version.classifier
            self._loads.labels(version.name, version.number, model.provider, model.sha256).set(version.load_s)
        return generate_latest(self.registry)
