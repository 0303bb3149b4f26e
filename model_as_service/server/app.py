"""The ASGI application: inference on the hot path, everything else through FastAPI, and every error an object."""

import logging
from typing import TYPE_CHECKING

from model_as_service.server import routes
from model_as_service.server.bodies import BODY, Budget, Receive
from model_as_service.server.inference import Inference, Scope, Send, refusal, respond
from model_as_service.server.large import LargePhotos
from model_as_service.server.metrics import Metrics
from model_as_service.server.options import Options
from model_as_service.server.refused import BUG
from model_as_service.server.repository import Repository
from model_as_service.server.scheduler import Scheduler
from model_as_service.server.writing import Headers

if TYPE_CHECKING:
    from model_as_service.server.traces import Tracer

log = logging.getLogger(__name__)


class App:
    """One server's application. Built on the event loop, with a repository whose first model is loaded."""

    def __init__(self, options: Options, repository: Repository, *, decoders: int = 0) -> None:
        self.draining = False
        self.metrics = Metrics()
        self.budget = Budget(options.body_budget_mb * 1_000_000)
        self.repository = repository
        self.scheduler = Scheduler(self.metrics.batch, capacity=options.queue, decoders=decoders)
        self.tracer = _tracer(options.traces) if options.traces else None
        self.metrics.watch(repository, self.scheduler, self.budget)
        large = LargePhotos(self.budget)
        self._infer = Inference(
            repository, self.scheduler, self.metrics, self.tracer, large=large, deadline_s=options.deadline_s
        )
        self._rest = routes.create(repository, self.scheduler, self.metrics, large, lambda: self.draining)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and keep nothing of its body."""
        if self.draining:
            send = _last(send)
        target = _target(scope["method"], scope["path"])
        try:
            if target is None:
                await self._rest(_as_get(scope), receive, send)
            else:
                await self._infer(scope, receive, send, *target)
        except Exception:
            if target is None:
                raise
            log.exception("a bug")
            await respond(send, BUG.status, *refusal(BUG))
        finally:
            scope[BODY].release()

    def refuses(self, method: str, path: str, headers: Headers) -> tuple[bytes, Headers] | None:
        """Return the 503 for the head of an inference that would be in vain, None for every other request."""
        target = None if self.draining else _target(method, path)
        return self._infer.refuses(headers, *target) if target else None

    def close(self) -> None:
        """End the model's thread and send what traces there are."""
        self.scheduler.close()
        if self.tracer:
            self.tracer.close()


def _tracer(endpoint: str) -> "Tracer":
    from model_as_service.server.traces import Tracer  # a quarter of a second that only those pay who want it

    return Tracer(endpoint)


def _target(method: str, path: str) -> tuple[str, str | None] | None:
    """Return model and version of an inference request, None for any other."""
    if method != "POST":
        return None
    match path.split("/"):
        case ["", "v2", "models", name, "infer"]:
            return name, None
        case ["", "v2", "models", name, "versions", number, "infer"]:
            return name, number
    return None


def _as_get(scope: Scope) -> Scope:
    """Return what HEAD asks for: the same answer, of which uvicorn sends no body."""
    return {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope


def _last(send: Send) -> Send:
    """Ask the client to open a new connection next time: this one ends with the server."""

    async def closing(message: object) -> None:
        if message["type"] == "http.response.start":  # type: ignore[index]
            message["headers"] = [*message["headers"], (b"connection", b"close")]  # type: ignore[index]
        await send(message)  # type: ignore[arg-type]

    return closing
