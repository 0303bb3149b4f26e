"""Locust in an open loop: requests leave at times drawn beforehand, and latency counts from when they were due.

    locust -f bench/locustfile.py --host http://127.0.0.1:8000 --rate 20                    # web page on port 8089
    locust -f bench/locustfile.py --host ... --headless --rate 5,10,20 --seconds 30 --samples samples.parquet
    locust -f bench/locustfile.py --host ... --headless --rate 500 --processes 2            # or --master and --worker

Users and spawn rate have no meaning here: every process gets one user, which sends the process's share of the plan.
What is sent comes from the options (`bench.load.options`) or, from the harness, from a plan file.
"""

# ruff: noqa: E402 - first of all, a Ctrl-C is heard
import logging
import os
import signal
import sys
from typing import Any, cast

import gevent

from bench.load.interrupts import NOT_WHOLE, NOTHING_SENT, interrupts, last_words

sys.excepthook, sys.exit = last_words, last_words.leave
interrupts.listen(signal.SIGINT)
os.register_at_fork(after_in_child=lambda: gevent.spawn(interrupts.follow))

import locust.stats
from locust import LoadTestShape, User, events, task
from locust.runners import LocalRunner, MasterRunner, Runner, WorkerRunner

from bench.load.coordinator import READY, SAMPLES, Coordinator, senders
from bench.load.options import add_options
from bench.load.sender import Sender

log = logging.getLogger("sweetspot")


def three_digits(response_ms: float) -> float:
    """Round like our reports do. Locust's own table would know whole milliseconds or two digits only."""
    return float(f"{response_ms:.3g}")


locust.stats.bucket_response_time = cast("Any", three_digits)  # any number will do, says its manual
events.init_command_line_parser.add_listener(add_options)  # type: ignore[no-untyped-call]


class OpenLoopUser(User):
    """One in every process: sends this process's share of the plan, and hands in its samples."""

    @task
    def send_share(self) -> None:
        """Locust calls this again whenever it returns or raises; a share is taken once, so nothing is sent again."""
        self.environment.sweetspot.send_share()


class OnePerProcess(LoadTestShape):
    """As many users as there are processes that send."""

    coordinator: Coordinator | None = None

    def tick(self) -> tuple[int, float]:
        """Return user count and spawn rate; called every second, so it also notices that the last process is gone."""
        if self.coordinator is None:
            return 1, 1
        self.coordinator.look()
        count = max(1, len(senders(self.coordinator.runner)))
        return count, count


@events.init.add_listener  # type: ignore[untyped-decorator]
def connect(environment: Any, runner: Runner | None, **_: object) -> None:  # noqa: ANN401 - it gets an attribute
    """Put the parts into the processes that need them."""
    if isinstance(runner, LocalRunner | WorkerRunner):
        environment.sweetspot = Sender(runner)
    if isinstance(runner, WorkerRunner):
        environment.events.quitting.add_listener(lambda **_: runner.stop())  # hands in before Locust says farewell
        last_words.code = NOT_WHOLE  # whether anything was sent is for its coordinator to say
    if isinstance(runner, LocalRunner | MasterRunner):
        environment.shape_class.coordinator = coordinator = Coordinator(environment, runner)
        runner.register_message(READY, coordinator.hear)
        runner.register_message(SAMPLES, coordinator.collect)
        environment.events.test_start.add_listener(coordinator.start)
        environment.events.test_stopping.add_listener(coordinator.stop)
        environment.events.quitting.add_listener(coordinator.stop)  # else Locust decides on its exit code before
    environment.events.quitting.add_listener(interrupts.ignore)
    options, last_words.reports = environment.parsed_options, False
    if (options.tags or options.exclude_tags) and not isinstance(runner, WorkerRunner):
        log.error("--tags and --exclude-tags mean nothing here, since there is one task: leave them out")
        sys.exit(NOTHING_SENT)
    if options.headless and not isinstance(runner, WorkerRunner):
        environment.process_exit_code = NOTHING_SENT  # so far
        interrupts.listen(signal.SIGTERM)  # Locust hears it only when the test is over: its workers would go on
    interrupts.listen(signal.SIGHUP)
