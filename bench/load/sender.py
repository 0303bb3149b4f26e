"""The sender of a test: sends its share of the plan, hands in samples. In every process of Locust that has a user."""

import time
from typing import Any

from gevent.event import AsyncResult
from gevent.queue import Queue
from locust.runners import Runner

from bench.load.complaints import in_words
from bench.load.coordinator import BEGIN, HAND_IN, PLAN, READY, SAMPLES
from bench.load.dispatcher import Dispatcher, Sent
from bench.load.plan import Plan
from bench.load.samples import Samples


class NotOk(Exception):  # noqa: N818 - for Locust's table of failures
    """The outcome of a request that did not get the right answer."""


class Sender:
    """The share that this process was given, until its user takes it and sends it; and when to begin."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.shares: Queue[dict[str, Any]] = Queue()
        self.zero = AsyncResult()
        runner.register_message(PLAN, self.receive)
        runner.register_message(BEGIN, lambda msg, **_: self.zero.set(msg.data))
        runner.register_message(HAND_IN, lambda **_: runner.user_greenlets.kill(block=False))

    def receive(self, msg: Any, **_: object) -> None:  # noqa: ANN401 - Locust's message
        """Put a share where the user takes it from. One that nobody took belongs to a test that is over."""
        while not self.shares.empty():
            self.shares.get()
        self.zero = AsyncResult()
        self.shares.put(msg.data)

    def send_share(self) -> None:
        """Get ready, send, drain, hand in; also when the test is stopped in between."""
        facts = self.shares.get()
        samples, failed = Samples.empty(len(facts["offset_ns"])), ""
        try:
            dispatcher = Dispatcher(Plan.from_facts(facts), samples, self.tell)
            self.runner.send_message(READY)
            zero = self.zero.get()
            dispatcher.run(time.monotonic_ns() + zero - time.time_ns())
        except Exception as error:  # noqa: BLE001 - the coordinator says it, for all processes
            failed = in_words(error)
        finally:
            self.hand_in(samples, failed)

    def hand_in(self, samples: Samples, failed: str) -> None:
        """Give the coordinator what was measured, and why it is not everything; if need be, only the latter."""
        try:
            self.runner.send_message(SAMPLES, {"samples": samples.message(), "failed": failed})
        except Exception as error:  # noqa: BLE001 - or the coordinator would wait for ever
            self.runner.send_message(SAMPLES, {"samples": None, "failed": failed or in_words(error)})

    def tell(self, sent: Sent) -> None:
        """Count in Locust's tables."""
        self.runner.environment.events.request.fire(  # type: ignore[no-untyped-call]
            request_type="GET",
            name=f"warm-up: {sent.case}" if sent.warm_up else sent.case,
            response_time=sent.response_ms,
            response_length=sent.length,
            exception=None if sent.outcome == "ok" else NotOk(sent.outcome),
            context={},
        )
