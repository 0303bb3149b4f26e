"""How gunicorn runs the product, the same for every variant: equal workers, equal threads.

The application is never preloaded: each worker calls the factory after it was forked, because an ONNX Runtime
session does not survive a fork. Read by the master process, which never imports the application.
"""

import gc
import os
from pathlib import Path
from typing import Any

from webapp import metric_files
from webapp.front.starting import patient
from webapp.settings import required, web_threads, web_workers

worker_class = "webapp.front.worker.BufferingWorker"
workers = web_workers()
threads = web_threads()
preload_app = False
worker_connections = 4000  # which hold no threads
keepalive = 75
graceful_timeout = 5
loglevel = "warning"
control_socket_disable = True  # its usual place is that of the user's own gunicorn, which would lose it
forwarded_allow_ips = forwarder_headers = ""  # nobody stands in front whose headers could be believed
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  (a worker needs no disk to start)
sendfile = False  # it would hold a thread for as long as a client takes to read

metrics_folder = Path(required("SWEETSPOT_DATA")) / "metrics"


def on_starting(server: Any) -> None:  # noqa: ANN401  (gunicorn's own types are not public)
    """Start counting from zero, and go on where a worker cannot be started."""
    server.spawn_worker = patient(server)
    try:
        metric_files.empty(metrics_folder)
    except OSError as error:
        server.log.warning("metrics are not kept: %s", error)


def post_fork(_server: Any, worker: Any) -> None:  # noqa: ANN401
    """Have the metrics of a worker in files that all workers read, or in its memory where the disk has no room."""
    try:
        metric_files.reserve(metrics_folder, worker.pid)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_folder)  # asked for when prometheus_client is imported
    except OSError as error:
        os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
        worker.log.warning("this worker's metrics are not added to those of the others: %s", error)


def post_worker_init(_worker: Any) -> None:  # noqa: ANN401
    """Keep the application out of every later collection: it is large, and none of it is garbage."""
    gc.collect()
    gc.freeze()


def worker_exit(_server: Any, worker: Any) -> None:  # noqa: ANN401
    """Let the application of a worker close what it holds."""
    for held in getattr(getattr(worker, "wsgi", None), "extensions", {}).get("sweetspot", ()):
        held.close()


def child_exit(_server: Any, worker: Any) -> None:  # noqa: ANN401
    """Keep what a worker that is gone has counted, and no more of its files."""
    metric_files.settle(metrics_folder, worker.pid)
