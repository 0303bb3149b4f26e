"""The hot path: one inference request, from its headers to its answer. Plain ASGI: no framework in between.

    headers > admit? > body > read > (decode what is large) > admit! > queue > model > write

The first question needs no more than the headers. `connection.py` asks it before ASGI begins, so under overload a
refusal costs little.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from time import monotonic
from typing import TYPE_CHECKING, Any

import orjson

from model_as_service.server.bodies import BODY, SMALL, Body, Receive
from model_as_service.server.lanes import BULK, INTERACTIVE, Job
from model_as_service.server.large import Client, LargePhotos, large_ones
from model_as_service.server.reading import HEADER_LENGTH, Request, read
from model_as_service.server.refused import Abandoned, Refused
from model_as_service.server.scheduler import expired
from model_as_service.server.writing import JSON, Headers, write

if TYPE_CHECKING:
    from model_as_service.server.metrics import Metrics
    from model_as_service.server.repository import Repository, Version
    from model_as_service.server.scheduler import Scheduler
    from model_as_service.server.traces import Tracer

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CONNECTION = "sweetspot.connection"  # in the scope: who tells us that the client has gone
LENGTH = HEADER_LENGTH.lower().encode()
TIMEOUTS_MS = (b"x-request-timeout-ms", b"x-envoy-expected-rq-timeout-ms")  # ours, and that of Envoy and Knative


class Inference:
    """Answers `POST /v2/models/{model}[/versions/{version}]/infer`."""

    def __init__(
        self,
        repository: "Repository",
        scheduler: "Scheduler",
        metrics: "Metrics",
        tracer: "Tracer | None",
        *,
        large: LargePhotos,
        deadline_s: float,
    ) -> None:
        self._repository, self._scheduler, self._metrics, self._tracer = repository, scheduler, metrics, tracer
        self._large = large
        self._deadline_s = deadline_s

    def refuses(self, headers: Headers, name: str, number: str | None) -> tuple[bytes, Headers] | None:
        """Return the 503 for a head whose request could not be answered in time; None where `__call__` must see it."""
        arrived = monotonic()
        try:
            version = self._repository.find(name, number)
            _, budgets = _wishes(headers)
        except Refused:
            return None
        try:
            self._scheduler.check(version, 1, INTERACTIVE, arrived + min(budgets, default=self._deadline_s))
        except Refused as refused:
            self._failed(version, arrived, refused.status, refused.reason)
            return refusal(refused)
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send, name: str, number: str | None) -> None:
        """Answer one request; every failure is an answer, too."""
        arrived, version, status = monotonic(), None, 200
        try:
            version = self._repository.find(name, number)
            body, headers = await self._answer(scope, receive, version, arrived)
        except Refused as refused:
            body, headers = refusal(refused)
            status = refused.status
            self._failed(version, arrived, status, refused.reason)
        except Abandoned:
            self._failed(version, arrived, 499, "abandoned")  # as nginx calls it; nobody reads it
            return
        await respond(send, status, body, headers)

    async def _answer(
        self, scope: Scope, receive: Receive, version: "Version", arrived: float
    ) -> tuple[bytes, Headers]:
        header_length, budgets = _wishes(scope["headers"])
        self._scheduler.check(version, 1, INTERACTIVE, arrived + min(budgets, default=self._deadline_s))
        body: Body = scope[BODY]
        request, large = await _looked_through(await body.read(receive), header_length, scope[CONNECTION])
        if request.lane == BULK:
            body.is_bulk()
        if request.timeout_s is not None:
            budgets.append(request.timeout_s)
        budget_s = min(budgets, default=self._deadline_s)
        done = asyncio.get_running_loop().create_future()
        job = Job(version, request.images, arrived, arrived + budget_s, request.lane, done)
        await self._classified(job, large, scope)
        started = monotonic()
        answer, headers = write(request, _rows(job), version.classifier)
        # Counted later: the answer goes first.
        asyncio.get_running_loop().call_soon(self._answered, job, scope, started, monotonic())
        headers.append((b"server-timing", _timing(job)))
        return answer, headers

    async def _classified(self, job: Job, large: dict[int, float], scope: Scope) -> None:
        """Wait until every image of a job has its answer, the deadline has passed or the client has gone."""
        scheduler, connection = self._scheduler, scope[CONNECTION]
        if large:
            await self._large.decode(job, large, connection)
        scheduler.submit(job)
        late = asyncio.get_running_loop().call_later(job.deadline - monotonic(), scheduler.kill, job, expired())
        connection.gone = lambda: scheduler.kill(job, Abandoned())
        try:
            await job.done
        finally:
            late.cancel()
            connection.gone = None

    def _answered(self, job: Job, scope: Scope, started: float, ended: float) -> None:
        encode_s, statistics = ended - started, job.version.statistics
        self._metrics.answered(job, encode_s)
        statistics.answered(
            ended - job.arrived, queue_s=job.queue_s, decode_s=job.decode_s, infer_s=job.infer_s, output_s=encode_s
        )
        if self._tracer:
            self._tracer.record(job, scope["headers"], started, ended)

    def _failed(self, version: "Version | None", arrived: float, status: int, reason: str) -> None:
        self._metrics.refused(status, reason)
        if version is not None:
            version.statistics.failed(monotonic() - arrived)


async def _looked_through(
    body: bytes, header_length: str | None, connection: Client
) -> tuple[Request, dict[int, float]]:
    """Return a request and which of its photos are large; what takes long keeps nobody else waiting."""
    if len(body) <= SMALL:
        return _look_through(body, header_length)
    found = await asyncio.to_thread(_look_through, body, header_length)
    if connection.lost:
        raise Abandoned
    return found


def _look_through(body: bytes, header_length: str | None) -> tuple[Request, dict[int, float]]:
    request = read(body, header_length)
    return request, large_ones(request.images)


async def respond(send: Send, status: int, body: bytes, headers: Headers) -> None:
    """Send a whole answer."""
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def refusal(refused: Refused) -> tuple[bytes, Headers]:
    """Return what is sent instead of an answer."""
    headers: Headers = [(b"content-type", JSON)]
    if refused.retry_after is not None:
        headers.append((b"retry-after", str(refused.retry_after).encode()))
    if refused.status in {408, 413}:  # the rest of the body is still to come, and nobody wants it
        headers.append((b"connection", b"close"))
    if refused.status == 415:  # noqa: PLR2004
        headers.append((b"accept-encoding", b"identity"))
    return orjson.dumps({"error": str(refused)}), headers


def _wishes(headers: Headers) -> tuple[str | None, list[float]]:
    """Return the length of the JSON header and the seconds that the client allows: none, one, or several numbers."""
    header_length, budgets = None, []
    for name, value in headers:
        if name == LENGTH:
            header_length = value.decode("latin-1")
        elif name in TIMEOUTS_MS:
            budgets.append(_milliseconds(name, value) / 1e3)
    return header_length, budgets


def _milliseconds(name: bytes, value: bytes) -> int:
    if not value.isdigit() or len(value) > 9:  # noqa: PLR2004  (eleven days)
        raise Refused(f"{name.decode()} must be a whole number of milliseconds")
    return int(value)


def _rows(job: Job) -> list[Any]:
    for number, answer in enumerate(job.answers):
        if isinstance(answer, Refused):
            if len(job.answers) == 1:
                raise answer
            raise Refused(f"image {number}: {answer}", answer.status, reason=answer.reason)
    return job.answers


def _timing(job: Job) -> bytes:
    stages = (
        f"queue;dur={job.queue_s * 1e3:.3f}, decode;dur={job.decode_s * 1e3:.3f}, infer;dur={job.infer_s * 1e3:.3f}"
    )
    return stages.encode()
