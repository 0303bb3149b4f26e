"""Spans as a collector receives them: OTLP over HTTP, on a real port."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import Mock

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from model_as_service.server import traces
from model_as_service.server.lanes import INTERACTIVE, Job
from model_as_service.server.traces import Tracer
from tests.unit.model_as_service.server.fakes import UNREADABLE, FakeModel, loaded
from tests.unit.model_as_service.server.messages import binary_request, with_length
from tests.unit.model_as_service.server.served import Served

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
NS = 1_000_000_000


class Collector(ThreadingHTTPServer):
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[ExportTraceServiceRequest] = []
        self.endpoint = f"http://127.0.0.1:{self.server_port}/v1/traces"

    def request_and_stages(self) -> tuple[Span, dict[str, Span]]:
        """Of the one request that was traced."""
        spans = [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        ours = {span.span_id for span in spans}
        [request] = [span for span in spans if span.parent_span_id not in ours]
        stages = [span for span in spans if span.parent_span_id == request.span_id]
        assert len(stages) == len(spans) - 1
        return request, {span.name: span for span in stages}


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def recorded(collector: Collector, *headers: tuple[bytes, bytes], ahead: bool = False) -> tuple[Span, dict[str, Span]]:
    """Return the span of a request and those of its stages; `ahead`: its photos were decoded while it waited."""
    tracer = Tracer(collector.endpoint)
    job = Job(loaded(FakeModel()), [b"a", b"b"], 10.0, 99.0, INTERACTIVE, Mock())
    job.begun, job.decode_s, job.infer_s = 11.0, 0.25, 0.5
    job.decoded = {0: Future(), 1: Future()} if ahead else {}
    tracer.record(job, [(b"host", b"x"), *headers], 12.0, 12.5)
    tracer.close()
    return collector.request_and_stages()


@pytest.mark.parametrize(("ahead", "begun"), [(False, 1.0), (True, 0.75)])
def test_a_request_is_a_span_with_its_stages_as_children(collector: Collector, *, ahead: bool, begun: float) -> None:
    request, stages = recorded(collector, ahead=ahead)
    assert (request.name, request.kind, request.parent_span_id) == ("infer", Span.SPAN_KIND_SERVER, b"")
    assert {each.key: each.value for each in request.attributes}["images"].int_value == 2
    begin = request.start_time_unix_nano
    seconds = {
        name: ((span.start_time_unix_nano - begin) / NS, (span.end_time_unix_nano - begin) / NS)
        for name, span in stages.items()
    }
    decoded = begun + 0.25
    assert seconds == {
        "queue": (0.0, begun),
        "decode": (begun, decoded),
        "infer": (decoded, decoded + 0.5),
        "encode": (2.0, 2.5),
    }
    assert request.end_time_unix_nano - begin == 2.5 * NS
    assert {span.trace_id for span in stages.values()} == {request.trace_id}


def test_the_server_names_itself(collector: Collector) -> None:
    recorded(collector)
    resource = collector.requests[0].resource_spans[0].resource
    assert {each.key: each.value.string_value for each in resource.attributes}["service.name"] == "sweetspot-inference"


def test_the_span_of_the_client_is_the_parent(collector: Collector) -> None:
    request, _ = recorded(collector, (b"traceparent", f"00-{TRACE}-{PARENT}-01".encode()))
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, PARENT)


@pytest.mark.parametrize("value", [b"nonsense", b"", b"\xff"])
def test_a_parent_that_is_none_is_left_out(collector: Collector, value: bytes) -> None:
    request, stages = recorded(collector, (b"traceparent", value))
    assert (request.parent_span_id, len(stages)) == (b"", 4)


def test_the_server_traces_what_it_answers_and_sends_the_rest_when_it_ends(collector: Collector) -> None:
    with Served(loaded(FakeModel()), traces=collector.endpoint) as served:
        for image in (b"a", UNREADABLE):
            body, length = binary_request([image])
            headers = with_length(length) | {"traceparent": f"00-{TRACE}-{PARENT}-01"}
            served.client.post("/v2/models/fake/infer", content=body, headers=headers)
    request, stages = collector.request_and_stages()
    assert request.parent_span_id.hex() == PARENT
    assert list(stages) == ["queue", "decode", "infer", "encode"]


def test_an_end_waits_for_no_collector_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")  # so that the test leaves nothing behind
    monkeypatch.setattr(traces, "CLOSE_S", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tracer = Tracer(f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces")
        job = Job(loaded(FakeModel()), [b"a"], 10.0, 99.0, INTERACTIVE, Mock())
        tracer.record(job, [], 12.0, 12.5)
        tracer.close()
        [sending] = [thread for thread in threading.enumerate() if thread.name == "last spans"]
        assert sending.daemon, "the process may end"
        sending.join(10)
        assert not sending.is_alive()


def test_a_collector_that_is_not_there_costs_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.1")  # seconds in which the last spans are tried again
    with Served(loaded(FakeModel()), traces="http://127.0.0.1:1/v1/traces") as served:
        body, length = binary_request([b"a"])
        assert served.client.post("/v2/models/fake/infer", content=body, headers=with_length(length)).status_code == 200
