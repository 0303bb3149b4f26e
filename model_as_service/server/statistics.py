"""What was asked of one version, counted: the statistics extension of the protocol (extension_statistics.md)."""

import time
from collections import Counter
from dataclasses import dataclass, field

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

    def batch(self, size: int, decode_s: float, infer_s: float) -> None:
        """Count a batch that the model ran."""
        self.last, self.inferences = time.time_ns() // 1_000_000, self.inferences + size
        self.batches[size] += 1
        decode, infer = self.batch_times.setdefault(size, (Duration(), Duration()))
        decode.add(decode_s)
        infer.add(infer_s)

    def answered(self, seconds: float, *, queue_s: float, decode_s: float, infer_s: float, output_s: float) -> None:
        """Count a request that got its answer, with what it spent where."""
        requests = self.requests
        requests["success"].add(seconds)
        requests["queue"].add(queue_s)
        requests["compute_input"].add(decode_s)
        requests["compute_infer"].add(infer_s)
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
