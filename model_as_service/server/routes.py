"""Everything but inference, with FastAPI: health, metadata, statistics, the model repository, metrics."""

from collections.abc import Callable
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from model_as_service.server.bodies import BODY
from model_as_service.server.inference import refusal
from model_as_service.server.large import LargePhotos
from model_as_service.server.metrics import Metrics
from model_as_service.server.reading import MOST_PARTS, parse
from model_as_service.server.refused import BUG, Abandoned, Refused, shown
from model_as_service.server.repository import Repository, Version
from model_as_service.server.scheduler import Scheduler
from model_as_service.server.tensors import INPUTS, OUTPUTS
from vision.errors import ModelError

EXTENSIONS = ["binary_tensor_data", "classification", "schedule_policy", "statistics"]
MODEL = "/v2/models/{name}"
VERSION = MODEL + "/versions/{number}"
DIGITS = 19  # of a version: protobuf has it as int64
OTHERS = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]
NOT_ENABLED = "the model repository cannot be changed from here; start the server with --repository to allow it"


def create(
    repository: Repository, scheduler: Scheduler, metrics: Metrics, large: LargePhotos, draining: Callable[[], bool]
) -> FastAPI:
    """Build the application around what is served; `draining` tells whether the server is about to end."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Abandoned, _nobody)
    app.add_exception_handler(Exception, _bug)
    app.include_router(_health(repository, scheduler, large, draining))
    app.include_router(_models(repository))
    app.include_router(_repository(repository))

    @app.get("/metrics")
    async def text() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    return app


def _health(
    repository: Repository, scheduler: Scheduler, large: LargePhotos, draining: Callable[[], bool]
) -> APIRouter:
    router = APIRouter()

    @router.get("/v2/health/live")
    async def live() -> Response:
        return json({"live": True}) if not scheduler.hangs else json({"live": False, "error": "the model hangs"}, 503)

    @router.get("/v2/health/ready")
    async def ready() -> Response:
        reasons = {
            "the server is about to end": draining(),
            f"{repository.options.model} is not loaded": not repository.ready,
            "the model hangs": scheduler.hangs,
            "the model fails": scheduler.fails,
            "a photo takes too long to decode": large.overrun or scheduler.decodes_for_long,
        }
        why = [reason for reason, holds in reasons.items() if holds]
        return json(
            {"ready": not why, "live": not scheduler.hangs, **({"error": why[0]} if why else {})}, 503 if why else 200
        )

    @router.get("/v2")
    @router.get("/v2/")
    async def server() -> Response:
        extensions = EXTENSIONS + ["model_repository"] * repository.options.repository
        return json({"name": "sweetspot", "version": "1", "extensions": sorted(extensions)})

    return router


def _models(repository: Repository) -> APIRouter:
    router = APIRouter()

    @router.get("/v2/models/stats")
    async def all_statistics() -> Response:
        return json({"model_stats": [_statistics(version) for version in repository.served]})

    @router.get(MODEL)
    @router.get(VERSION)
    async def metadata(name: str, number: str | None = None) -> Response:
        version = repository.find(name, number)
        model = version.classifier
        return json(
            {
                "name": name,
                "versions": repository.numbers(name),
                "platform": "onnx_onnxv1",
                "inputs": INPUTS,
                "outputs": OUTPUTS,
                "parameters": {"version": version.number, "provider": model.provider, "sha256": model.sha256},
            }
        )

    @router.api_route(MODEL + "/infer", methods=OTHERS)
    @router.api_route(VERSION + "/infer", methods=OTHERS)
    async def infer() -> Response:  # POST never comes here
        raise HTTPException(405, "Method Not Allowed", {"Allow": "POST"})

    @router.get(MODEL + "/ready")
    @router.get(VERSION + "/ready")
    async def ready(name: str, number: str | None = None) -> Response:
        repository.find(name, number)
        return json({"name": name, "ready": True})

    @router.get(MODEL + "/stats")
    @router.get(VERSION + "/stats")
    async def statistics(name: str, number: str | None = None) -> Response:
        return json({"model_stats": [_statistics(repository.find(name, number))]})

    return router


def _repository(repository: Repository) -> APIRouter:
    router = APIRouter()

    @router.post("/v2/repository/index")
    async def index(request: Request) -> Response:
        ready = (await _document(request)).get("ready")
        if not isinstance(ready, bool | None):
            raise Refused("ready must be true or false")
        return json([entry for entry in repository.index() if entry["state"] == "READY" or not ready])

    @router.post("/v2/repository/models/{name}/load")
    async def load(name: str, request: Request) -> Response:
        parameters = await _changes(request, allowed=repository.options.repository)
        try:
            await repository.load(name, _versions(parameters))
        except ModelError as error:
            raise Refused(str(error), reason="load_failed") from error
        return json({})

    @router.post("/v2/repository/models/{name}/unload")
    async def unload(name: str, request: Request) -> Response:
        await _changes(request, allowed=repository.options.repository)
        await repository.unload(name)
        return json({})

    return router


async def _changes(request: Request, *, allowed: bool) -> dict[str, Any]:
    """Return the parameters of a request that changes what is served."""
    if not allowed:
        raise Refused(NOT_ENABLED, 403, reason="forbidden")
    parameters = (await _document(request)).get("parameters")
    if not isinstance(parameters, dict | None):
        raise Refused("parameters must be a JSON object")
    return parameters or {}


def _versions(parameters: dict[str, Any]) -> list[str]:
    """Return the versions to load, as Triton's model configuration names them; none means the newest.

    The parameter `config` is JSON as text: {"version_policy": {"specific": {"versions": [1, 2]}}}, after
    model_config.proto, ModelVersionPolicy.
    """
    unknown = sorted(set(parameters) - {"config"})
    if unknown:
        raise Refused(f"load takes no parameter {shown(unknown[0])}: models come from the server's own folder")
    text = parameters.get("config")
    if text is None:
        return []
    if not isinstance(text, str) or text.count(",") > MOST_PARTS:
        raise _no_config()
    try:
        config = orjson.loads(text)
        numbers = config["version_policy"]["specific"]["versions"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise _no_config() from error
    if not isinstance(numbers, list) or not numbers or not all(map(_is_number, numbers)):
        raise _no_config()
    return [str(int(number)) for number in numbers]


def _is_number(value: object) -> bool:
    """Tell whether it is the number of a version: protobuf's JSON may have it as text, too."""
    if isinstance(value, str):
        return value.isascii() and value.isdecimal() and len(value) <= DIGITS
    return type(value) is int and value >= 0


def _no_config() -> Refused:
    return Refused('config must be like {"version_policy": {"specific": {"versions": [1]}}}, as text')


async def _document(request: Request) -> dict[str, Any]:
    body = await request.scope[BODY].read(request.receive)
    document = parse(body or b"{}", "the request")
    if not isinstance(document, dict):
        raise Refused("the request must be a JSON object")
    return document


def _statistics(version: Version) -> dict[str, object]:
    return version.statistics.facts(version.name, version.number)


def json(document: object, status: int = 200) -> Response:
    """Return a JSON answer."""
    return Response(orjson.dumps(document), status, media_type="application/json")


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101  (registered for just this)
    body, headers = refusal(error)
    return Response(body, error.status, {name.decode(): value.decode() for name, value in headers})


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    answer = json({"error": str(error.detail)}, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _nobody(_request: Request, _error: Exception) -> Response:
    return json({"error": "the request ended before its body did"}, 400)


async def _bug(_request: Request, _error: Exception) -> Response:
    return json({"error": str(BUG)}, BUG.status)  # Starlette raises the error again, and uvicorn logs it
