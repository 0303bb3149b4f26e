"""What was asked of one version, counted: the statistics extension of the protocol (extension_statistics.md)."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_as_service.server.batch import Outcome
    from model_as_service.server.lanes import Job

NS = 1_000_000_000


@dataclass(slots=True)
class Duration:
    """How often something took how long, in nanoseconds."""

    count: int = 0
    ns: int = 0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.count += 1
        self.ns += round(seconds * NS)

    def facts(self) -> dict[str, int]:
        """Return it as the protocol writes it."""
        return {"count": self.count, "ns": self.ns}


@dataclass(slots=True)
class Statistics:
    """Only the event loop writes and reads it."""

    last: int = 0  # of the last inference: milliseconds since 1970
    inferences: int = 0  # images
    requests: dict[str, Duration] = field(
        default_factory=lambda: {
            name: Duration()
            for name in ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output")
        }
    )
    batches: "Counter[int]" = field(default_factory=Counter)
    batch_times: dict[int, tuple[Duration, Duration]] = field(default_factory=dict)

    def batch(self, outcome: "Outcome") -> None:
        """Count a batch that the model ran."""
        size = len(outcome.answers)
        self.last, self.inferences = time.time_ns() // 1_000_000, self.inferences + size
        self.batches[size] += 1
        decode, infer = self.batch_times.setdefault(size, (Duration(), Duration()))
        decode.add(outcome.decode_s)
        infer.add(outcome.infer_s)

    def answered(self, job: "Job", now: float, output_s: float) -> None:
        """Count a request that got its answer."""
        requests = self.requests
        requests["success"].add(now - job.arrived)
        requests["queue"].add(job.queue_s)
        requests["compute_input"].add(job.decode_s)
        requests["compute_infer"].add(job.infer_s)
        requests["compute_output"].add(output_s)

    def failed(self, seconds: float) -> None:
        """Count a request that was refused or failed."""
        self.requests["fail"].add(seconds)

    def facts(self, name: str, version: str) -> dict[str, object]:
        """Return the entry of one version in `model_stats`."""
        batches = [
            {"batch_size": size, "compute_input": decode.facts(), "compute_infer": infer.facts()}
            for size, (decode, infer) in sorted(self.batch_times.items())
        ]
        return {
            "name": name,
            "version": version,
            "last_inference": self.last,
            "inference_count": self.inferences,
            "execution_count": self.batches.total(),
            "inference_stats": {key: duration.facts() for key, duration in self.requests.items()},
            "batch_stats": batches,
        }
