"""bench/locustfile.py with just one thing broken, which the environment variable SABOTAGE names."""

import os
import time

import gevent
from locust import events

from bench.load import dispatcher
from bench.load.client import Answer, Wire
from bench.load.schedule import Schedule
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


{"busy loop": busy_loop, "little room": little_room, "retry": retry}[os.environ["SABOTAGE"]]()
