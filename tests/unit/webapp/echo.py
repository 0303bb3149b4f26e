"""A tiny application for gunicorn with our worker, and its configuration: `--config python:tests.unit.webapp.echo`."""

import threading

from webapp import buffering

buffering.HEAD_S = buffering.SEND_S = 1.0
buffering.BODY_S = 4.0
buffering.BUDGET = 1_000_000

worker_class = "webapp.buffering.BufferingWorker"
workers, threads = 1, 2
keepalive = 2
control_socket_disable = True
sendfile = False

held = threading.Event()


def application(environ, start_response):
    """Tell method, path and length of the body; `/large`: more than any kernel buffers; `/hold`: until `/release`."""
    path = environ["PATH_INFO"]
    body = environ["wsgi.input"].read() if path != "/unread" else b""
    if path == "/hold":
        held.wait(20)
    if path == "/release":
        held.set()
    answer = b"x" * 20_000_000 if path == "/large" else f"{environ['REQUEST_METHOD']} {path} {len(body)}".encode()
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]
