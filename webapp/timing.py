"""Where a request's time goes: stages measured on the way, sent as `Server-Timing` (W3C) with every answer.

The stages are `db`, `queue`, `decode`, `infer`, and `app`: all the rest that passed inside the web server, so that
they sum to the whole. A predictor adds the stages that it knows; an inference server's own stages count as well.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

_stages: ContextVar[dict[str, float] | None] = ContextVar("stages", default=None)


def begin() -> dict[str, float]:
    """Start an empty account of stages, in seconds, for the request that this thread serves."""
    stages: dict[str, float] = {}
    _stages.set(stages)
    return stages


def record(name: str, seconds: float) -> None:
    """Add time to a stage of the current request; outside a request this does nothing."""
    stages = _stages.get()
    if stages is not None:
        stages[name] = stages.get(name, 0.0) + seconds


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Count the time of a `with` block into a stage."""
    start = perf_counter()
    try:
        yield
    finally:
        record(name, perf_counter() - start)


def server_timing(stages: dict[str, float], total: float) -> str:
    """Write the header's value, in milliseconds, `app` being what is left of `total` seconds."""
    app = max(0.0, total - sum(stages.values()))
    return ", ".join(f"{name};dur={seconds * 1e3:.3f}" for name, seconds in {"app": app, **stages}.items())
