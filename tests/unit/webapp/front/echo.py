"""A tiny application for gunicorn with our worker, and its configuration: `--config python:...front.echo`."""

import os
import threading
from pathlib import Path

from webapp.front import budget, worker
from webapp.front.starting import patient

worker.HEAD_S = worker.SEND_S = 1.0
worker.LINGER_S = 3.0
worker.BODY_S = 4.0
budget.BUDGET = 1_000_000
budget.STALL_S = 0.5

worker_class = "webapp.front.worker.BufferingWorker"
workers, threads = 1, 2
worker_connections = int(os.environ.get("ECHO_CONNECTIONS", "1000"))
keepalive = 2
control_socket_disable = True
sendfile = False
worker_tmp_dir = os.environ.get("ECHO_TMP")

held = threading.Event()


def on_starting(server):
    """Go on where a worker cannot be started."""
    server.spawn_worker = patient(server)


def create():
    """Build the application, unless the file is there that says that it cannot be."""
    if Path(os.environ.get("ECHO_BROKEN", "/nowhere")).exists():
        raise RuntimeError("broken")
    return application


def application(environ, start_response):
    """Tell method, path and length of the body; `/large`: more than any kernel buffers; `/hold`: until `/release`.

    `/breaks`: in the middle of the answer.
    """
    path = environ["PATH_INFO"]
    body = environ["wsgi.input"].read() if path != "/unread" else b""
    if path == "/hold":
        held.wait(20)
    if path == "/release":
        held.set()
    answer = b"x" * 20_000_000 if path == "/large" else f"{environ['REQUEST_METHOD']} {path} {len(body)}".encode()
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return half_of(answer) if path == "/breaks" else [answer]


def half_of(answer):
    """Begin an answer, and fail."""
    yield answer[: len(answer) // 2]
    raise MemoryError
