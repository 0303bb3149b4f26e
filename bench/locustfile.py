"""Locust in an open loop: requests leave at times drawn beforehand, and latency counts from when they were due.

    locust -f bench/locustfile.py --host http://127.0.0.1:8000 --rate 20                    # web page on port 8089
    locust -f bench/locustfile.py --host ... --headless --rate 5,10,20 --seconds 30 --samples samples.parquet
    locust -f bench/locustfile.py --host ... --headless --rate 500 --processes 2            # or --master and --worker

Users and spawn rate have no meaning here: every process gets one user, which sends the process's share of the plan.
What is sent comes from the options (`bench.load.options`) or, from the harness, from a plan file.
"""

import logging
import signal
import sys
from types import TracebackType
from typing import Any, cast

import gevent
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


def without_traceback(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Say in a line what Locust itself did not expect: Ctrl-C while it waits for workers, a report it cannot write."""
    log.debug("where", exc_info=(kind, error, traceback))
    words = "interrupted" if kind is KeyboardInterrupt else f"Locust failed: {error!r} (--loglevel DEBUG shows where)"
    log.error("%s", words)


sys.excepthook = without_traceback
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
    if isinstance(runner, LocalRunner | MasterRunner):
        environment.shape_class.coordinator = coordinator = Coordinator(environment, runner)
        runner.register_message(READY, coordinator.hear)
        runner.register_message(SAMPLES, coordinator.collect)
        environment.events.test_start.add_listener(coordinator.start)
        environment.events.test_stopping.add_listener(coordinator.stop)
        environment.events.quitting.add_listener(coordinator.stop)  # else Locust decides on its exit code before
    # With --headless, Locust hears SIGTERM only when the test is over: it would die, and its workers would go on.
    late = (signal.SIGTERM,) if environment.parsed_options.headless and not isinstance(runner, WorkerRunner) else ()
    environment.sweetspot_signals = [interrupted_by(number) for number in (signal.SIGINT, signal.SIGHUP, *late)]


def interrupted_by(number: signal.Signals) -> object:
    """Have a signal interrupt the main greenlet, and no other: Locust drops a Ctrl-C that hits the one that listens."""
    if signal.getsignal(number) is signal.SIG_IGN:  # as `nohup` wants it
        return None
    return gevent.signal_handler(number, gevent.kill, gevent.get_hub().parent, KeyboardInterrupt)
