"""bench/locustfile.py with just one thing broken, which the environment variable SABOTAGE names."""

import errno
import os
import signal
import time
from collections.abc import Callable

import gevent
from locust import events

from bench.load import answers, coordinator, dispatcher, outputs
from bench.load.client import Answer, Wire
from bench.load.samples import Samples
from bench.load.schedule import Schedule
from bench.load.sender import Sender
from bench.locustfile import OnePerProcess, OpenLoopUser

__all__ = ["OnePerProcess", "OpenLoopUser"]


def busy_loop() -> None:
    """Compute for 50 ms in every 100, in the process that sends and reads."""

    def compute() -> None:
        while True:
            until = time.monotonic() + 0.05
            while time.monotonic() < until:
                pass
            gevent.sleep(0.05)

    events.test_start.add_listener(lambda **_: gevent.spawn(compute))


def little_room() -> None:
    """Have room for three requests in flight, instead of for all that can be."""
    Schedule.most_in_flight = lambda *_: 0
    dispatcher.SPARE = 3


def retry() -> None:
    """Send every request twice and tell of one."""
    once = Wire.exchange

    def exchange(wire: Wire, request: bytes) -> Answer:
        once(wire, request)
        return once(wire, request)

    Wire.exchange = exchange


def breaking(of: object, name: str) -> Callable[[], None]:
    """Let a function raise what nobody expects."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"{name} is broken")

    return lambda: setattr(of, name, broken)


def impatient() -> None:
    """Wait for the list of photos but a moment."""
    coordinator.PHOTOS_S = 0.5


def nobody_ready() -> None:
    """Have users that never get ready, and wait for them but a moment."""
    Sender.send_share = lambda _: gevent.sleep(3600)
    coordinator.SPAWN_S = coordinator.READY_S = 0.2


def interrupt() -> None:
    """Get a Ctrl-C now."""
    os.kill(os.getpid(), signal.SIGINT)


def full_disk() -> None:
    """Have no room for samples, neither where they were asked for nor elsewhere."""

    def write_table(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    outputs.pq.write_table = write_table


SABOTAGES: dict[str, Callable[[], None]] = {
    "busy loop": busy_loop,
    "little room": little_room,
    "retry": retry,
    "impatient": impatient,
    "full disk": full_disk,
    "nobody ready": nobody_ready,
    "interrupt at import": interrupt,
    "interrupt at fork": lambda: os.register_at_fork(before=interrupt),
    "start": breaking(coordinator, "plan_of"),
    "prepare": breaking(Wire, "encode"),
    "judge": breaking(answers, "judge"),
    "tell": breaking(Sender, "tell"),
    "hand in": breaking(Samples, "message"),
    "collect": breaking(Samples, "from_message"),
    "merge": breaking(coordinator, "merge"),
    "save": breaking(outputs, "table_of"),
}
SABOTAGES[os.environ["SABOTAGE"]]()
