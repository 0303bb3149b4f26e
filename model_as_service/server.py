"""The inference server: FastAPI on the Open Inference Protocol V2, one process for each device.

    python -m model_as_service.server --models models --live data/live --port 8001

It knows nothing of the product. SIGHUP makes it load the version that the live file names.
"""

import asyncio
import logging
import signal
import sys
from pathlib import Path

import click
import numpy as np
import orjson
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect

from model_as_service.protocol import HEADER_LENGTH, INPUTS, OUTPUTS, InferRequest, ProtocolError, parse, write
from model_as_service.runner import Done, QueueFull, Runner
from vision.classifier import Classifier
from vision.errors import ModelError, UnreadableImage
from vision.live import read_live

log = logging.getLogger("model_as_service")

MAX_BODY = 48 * 1024 * 1024
MODEL = "/v2/models/{model}"


def create(runner: Runner) -> FastAPI:
    """Build the server around a runner, whose model is loaded already: the port opens ready."""
    app = FastAPI(openapi_url=None)
    app.add_exception_handler(StarletteHTTPException, _http_error)
    app.add_exception_handler(ProtocolError, _protocol_error)
    app.add_exception_handler(QueueFull, _queue_full)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _bug)
    _add_health(app, runner)
    _add_inference(app, runner)
    return app


def _add_health(app: FastAPI, runner: Runner) -> None:
    @app.get("/v2/health/live")
    async def live() -> Response:
        return _json({"live": True})

    @app.get("/v2/health/ready")
    async def ready() -> Response:
        return _json({"ready": True, "live": True})

    @app.get("/v2")
    async def server() -> Response:
        return _json({"name": "sweetspot", "version": "1", "extensions": ["binary_tensor_data"]})

    @app.get(MODEL)
    @app.get(MODEL + "/versions/{version}")
    async def metadata(model: str, version: str | None = None) -> Response:
        classifier = _served(runner, model, version)
        return _json(
            {
                "name": model,
                "versions": [classifier.version],
                "platform": "onnx_onnxv1",
                "inputs": INPUTS,
                "outputs": OUTPUTS,
                "parameters": {"provider": classifier.provider, "sha256": classifier.sha256},
            }
        )

    @app.get(MODEL + "/ready")
    @app.get(MODEL + "/versions/{version}/ready")
    async def model_ready(model: str, version: str | None = None) -> Response:
        _served(runner, model, version)
        return _json({"name": model, "ready": True})


def _add_inference(app: FastAPI, runner: Runner) -> None:
    @app.post(MODEL + "/infer")
    @app.post(MODEL + "/versions/{version}/infer")
    async def infer(request: Request, model: str, version: str | None = None) -> Response:
        _served(runner, model, version)
        runner.check_room()
        parsed = parse(await _body(request), request.headers.get(HEADER_LENGTH))
        return _answer(parsed, await runner.classify(parsed.images))


def _served(runner: Runner, model: str, version: str | None) -> Classifier:
    classifier = runner.classifier
    if model != classifier.name or version not in (None, classifier.version):
        named = model if version is None else f"{model} version {version}"
        raise HTTPException(404, f"there is no model {named} here")
    return classifier


async def _body(request: Request) -> bytes:
    """Read the body, at most MAX_BODY bytes of it, whatever its length header says."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise ProtocolError(f"the body is larger than {MAX_BODY:,} bytes", 413)
        chunks.append(chunk)
    return b"".join(chunks)


def _answer(request: InferRequest, done: Done) -> Response:
    good = []
    for number, scores in enumerate(done.classified.answers):
        if isinstance(scores, UnreadableImage):
            raise ProtocolError(f"image {number}: {scores}" if len(request.images) > 1 else str(scores), 422)
        good.append(scores)
    tensors = {
        "label": np.array([[score.label for score in scores] for scores in good], dtype=object),
        "score": np.array([[score.score for score in scores] for scores in good], dtype=np.float32),
        "index": np.array([[score.index for score in scores] for scores in good], dtype=np.int32),
    }
    used = done.classifier
    answer = write(request, tensors, model=used.name, version=used.version, provider=used.provider)
    stages = {
        "queue": done.queue_seconds,
        "decode": done.classified.decode_seconds,
        "infer": done.classified.infer_seconds,
    }
    timing = ", ".join(f"{stage};dur={seconds * 1e3:.3f}" for stage, seconds in stages.items())
    return Response(answer.body, headers={**answer.headers, "Server-Timing": timing})


def _json(document: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), status, headers, "application/json")


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101  (registered for just this)
    return _json({"error": error.detail}, error.status_code, dict(error.headers or {}))


async def _protocol_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ProtocolError)  # noqa: S101
    return _json({"error": str(error)}, error.status)


async def _queue_full(_request: Request, error: Exception) -> Response:
    assert isinstance(error, QueueFull)  # noqa: S101
    return _json({"error": str(error)}, 503, {"Retry-After": str(error.retry_after)})


async def _gone(_request: Request, _error: Exception) -> Response:
    return _json({"error": "the request ended before its body did"}, 400)


async def _bug(_request: Request, _error: Exception) -> Response:
    return _json({"error": "something went wrong here; it has been logged"}, 500)


@click.command()
@click.option("--models", type=click.Path(path_type=Path), default=Path("models"), show_default=True)
@click.option("--live", type=click.Path(path_type=Path), required=True, help="File that names the version to serve.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=int, default=8001, show_default=True)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--queue", type=click.IntRange(min=1), default=64, show_default=True, help="How many requests may wait.")
def command(models: Path, live: Path, host: str, port: int, device: str, queue: int) -> None:
    """Serve the model on the Open Inference Protocol V2."""
    runner = Runner(lambda: Classifier.load(models, read_live(live), device=device), capacity=queue)
    config = uvicorn.Config(
        create(runner),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,  # longer than our client keeps a connection, so that none closes under a request
        timeout_graceful_shutdown=5,
    )
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as loop:
        loop.run(_serve(uvicorn.Server(config), runner))


async def _serve(server: uvicorn.Server, runner: Runner) -> None:
    """Serve until SIGTERM or SIGINT; load the live version again at SIGHUP."""
    loop, reloads = asyncio.get_running_loop(), set[asyncio.Task[None]]()

    def reload() -> None:
        task = loop.create_task(_reload(runner))
        reloads.add(task)  # the loop itself holds its tasks weakly
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGHUP, reload)
    await server.serve()  # ends the process itself, by the signal that stopped it


async def _reload(runner: Runner) -> None:
    try:
        await runner.reload()
    except ModelError as error:
        log.error("the version before stays: %s", error)  # noqa: TRY400  (our own words, no traceback)


def main() -> None:
    """Run the command; an error is one line, not a traceback."""
    try:
        command(prog_name="python -m model_as_service.server")
    except ModelError as error:
        sys.exit(f"inference server: {error}")


if __name__ == "__main__":
    main()
