"""The classifier as a deployment of Ray Serve, the way its documentation shows it."""

import argparse
import os
import secrets
import signal
from pathlib import Path

import ray
from ray import serve
from ray.serve._private import replica
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vision.classifier import Classifier
from vision.errors import UnreadableImage

OBJECT_STORE = 80 * 1024 * 1024  # the least that Ray takes; a photo is too small to travel through it


@serve.deployment(num_replicas=1, ray_actor_options={"num_cpus": 1})
class PhotoDeployment:
    """A photo as the body in, five labels with scores out, best first."""

    def __init__(self, models: Path, version: str, model: str) -> None:
        listen_only_here()
        self.classifier = Classifier.load(models, version, name=model)

    async def __call__(self, request: Request) -> Response:
        """Classify one photo."""
        try:
            pixels = self.classifier.preprocess(await request.body())
        except UnreadableImage as error:
            return JSONResponse({"error": str(error)}, 422)
        scores = self.classifier.top(self.classifier.infer(pixels[None])[0])
        return JSONResponse({"labels": [{"label": score.label, "score": score.score} for score in scores]})


def listen_only_here() -> None:
    """Keep the replica's port for other deployments, of which there are none, off the addresses of the machine."""
    listen = replica.add_port_to_grpc_server
    replica.add_port_to_grpc_server = lambda server, _everywhere: listen(server, "127.0.0.1:0")


def main() -> None:
    """Start a Ray of our own, with as little around it as Ray allows, and serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--session", required=True)
    args = parser.parse_args()
    stop = {signal.SIGTERM, signal.SIGINT}
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)  # else Ray leaves one in the user's home
    ray.init(
        address="local", num_cpus=1, object_store_memory=OBJECT_STORE, include_dashboard=False,
        _node_ip_address="127.0.0.1", _temp_dir=args.session,
    )  # fmt: skip
    serve.start(http_options={"host": "127.0.0.1", "port": args.port}, logging_config={"enable_access_log": False})
    # mypy takes no note of what a decorator makes of a class.
    app = PhotoDeployment.bind(args.models, args.version, args.model)  # type: ignore[attr-defined]
    serve.run(app, route_prefix="/")
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    signal.sigwait(stop)
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main()
