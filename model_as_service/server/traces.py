"""OpenTelemetry traces, when asked for: one span for each answered request, with its stages as children.

The stages happen on other threads, so the spans are made afterwards, from times that were taken anyway. A client's
`traceparent` (W3C Trace Context) makes its span the parent.
"""

from threading import Thread
from time import monotonic_ns, time_ns
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from model_as_service.server.lanes import Job
    from model_as_service.server.writing import Headers

NAME = "sweetspot-inference"
NS = 1_000_000_000
CLOSE_S = 1.0


class Tracer:
    """Sends spans to an OTLP collector over HTTP, in batches, from a thread of its own."""

    def __init__(self, endpoint: str) -> None:
        self._provider = TracerProvider(resource=Resource.create({SERVICE_NAME: NAME}), shutdown_on_exit=False)
        self._exporter = OTLPSpanExporter(endpoint=endpoint)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer(NAME)
        self._parents = TraceContextTextMapPropagator()
        self._epoch = time_ns() - monotonic_ns()

    def record(self, job: "Job", headers: "Headers", encode: float, ended: float) -> None:
        """Note an answered request; times are monotonic seconds: when encoding began and when it ended."""
        carrier = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in headers if name.startswith(b"trace")
        }
        span = self._tracer.start_span(
            "infer", self._parents.extract(carrier), SpanKind.SERVER, start_time=self._ns(job.arrived),
            attributes={
                "model.name": job.version.name, "model.version": job.version.number,
                "model.provider": job.version.classifier.provider, "images": len(job.images),
            },
        )  # fmt: skip
        inside, begun = set_span_in_context(span), job.arrived + job.queue_s
        decoded = begun + job.decode_s
        stages = {
            "queue": (job.arrived, begun), "decode": (begun, decoded), "infer": (decoded, decoded + job.infer_s),
            "encode": (encode, ended),
        }  # fmt: skip
        for name, (start, end) in stages.items():
            self._tracer.start_span(name, inside, start_time=self._ns(start)).end(self._ns(end))
        span.end(self._ns(ended))

    def close(self) -> None:
        """Send what is still here, if the collector takes it soon: OpenTelemetry would try for many seconds."""
        sending = Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        sending.start()
        sending.join(CLOSE_S)
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # ends the wait between two attempts

    def _ns(self, seconds: float) -> int:
        return self._epoch + round(seconds * NS)
