"""How gunicorn runs the product, the same for every variant: equal workers, equal threads.

The application is never preloaded: each worker calls the factory after it was forked, because an ONNX Runtime
session does not survive a fork. Read by the master process, which never imports the application.
"""

import gc
import os
import shutil
from pathlib import Path
from typing import Any

from webapp.settings import required

worker_class = "gthread"
workers = int(os.environ.get("SWEETSPOT_WEB_WORKERS", "2"))
threads = int(os.environ.get("SWEETSPOT_WEB_THREADS", "4"))
preload_app = False
keepalive = 75
graceful_timeout = 5
loglevel = "warning"

# prometheus_client looks for this when a worker imports it.
metrics_folder = Path(required("SWEETSPOT_DATA")) / "metrics"
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_folder)


def on_starting(_server: Any) -> None:  # noqa: ANN401  (gunicorn's own types are not public)
    """Start counting from zero."""
    shutil.rmtree(metrics_folder, ignore_errors=True)
    metrics_folder.mkdir(parents=True)


def post_worker_init(_worker: Any) -> None:  # noqa: ANN401
    """Keep the application out of every later collection: it is large, and none of it is garbage."""
    gc.collect()
    gc.freeze()


def worker_exit(_server: Any, worker: Any) -> None:  # noqa: ANN401
    """Let the application of a worker close what it holds."""
    for held in getattr(worker.wsgi, "extensions", {}).get("sweetspot", ()):
        held.close()


def child_exit(_server: Any, worker: Any) -> None:  # noqa: ANN401
    """Forget the gauges of a worker that is gone."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
