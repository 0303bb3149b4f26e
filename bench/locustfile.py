"""Locust in an open loop: requests leave at times drawn beforehand, and latency counts from when they were due.

    locust -f bench/locustfile.py --host http://127.0.0.1:8000 --rate 20                    # web page on port 8089
    locust -f bench/locustfile.py --host ... --headless --rate 5,10,20 --seconds 30 --samples samples.parquet
    locust -f bench/locustfile.py --host ... --headless --rate 500 --processes 2            # or --master and --worker

Users and spawn rate have no meaning here: every process gets one user, which sends the process's share of the plan.
What is sent comes from the options (`bench.load.options`) or, from the harness, from a plan file.
"""

import logging
import time
from argparse import Namespace
from pathlib import Path
from typing import Any, cast

import gevent
import locust.stats
from gevent.event import AsyncResult
from locust import LoadTestShape, User, events, task
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, Runner, WorkerRunner

from bench.exits import Failure
from bench.load.dispatcher import Dispatcher, Sent
from bench.load.options import add_options, plan_of, save
from bench.load.plan import Plan, begun
from bench.load.samples import Samples, merge
from runfile.folder import replace

PLAN, SAMPLES = "sweetspot plan", "sweetspot samples"
LEAD_S = {LocalRunner: 0.2, MasterRunner: 2.0}  # from handing the plan out until the warm-up begins
log = logging.getLogger("sweetspot")


def three_digits(response_ms: float) -> float:
    """Round like our reports do. Locust's own table would know whole milliseconds or two digits only."""
    return float(f"{response_ms:.3g}")


locust.stats.bucket_response_time = cast("Any", three_digits)  # any number will do, says its manual
events.init_command_line_parser.add_listener(add_options)  # type: ignore[no-untyped-call]


class NotOk(Exception):  # noqa: N818 - for Locust's table of failures
    """The outcome of a request that did not get the right answer."""


class OpenLoopUser(User):
    """One in every process: sends this process's share of the plan, and hands in its samples."""

    @task
    def send_share(self) -> None:
        """Send, drain, hand in; also when the test is stopped in between."""
        facts, zero = self.environment.sweetspot_share.get()
        samples = Samples.empty(len(facts["offset_ns"]))
        try:
            dispatcher = Dispatcher(Plan.from_facts(facts), samples, self.tell)
            dispatcher.run(time.monotonic_ns() + zero - time.time_ns())
        except Exception:
            log.exception("this process cannot send its share")
            self.environment.process_exit_code = 2
        finally:
            self.environment.runner.send_message(SAMPLES, samples.message())
        gevent.sleep(3600)  # the end of the test ends it, for all processes together

    def tell(self, sent: Sent) -> None:
        """Count in Locust's tables."""
        self.environment.events.request.fire(
            request_type="GET",
            name=f"warm-up: {sent.case}" if sent.warm_up else sent.case,
            response_time=sent.response_ms,
            response_length=sent.length,
            exception=None if sent.outcome == "ok" else NotOk(sent.outcome),
            context={},
        )


class OnePerProcess(LoadTestShape):
    """As many users as there are processes that send."""

    coordinator: "Coordinator | None" = None

    def tick(self) -> tuple[int, float]:
        """Return user count and spawn rate; called every second, so it also notices that the last process is gone."""
        if self.coordinator is None:
            return 1, 1
        self.coordinator.end_if_complete()
        count = max(1, len(senders(self.coordinator.runner)))
        return count, count


class Coordinator:
    """In the process that has the users' orders: hands the plan out in shares, collects and merges the samples."""

    def __init__(self, environment: Environment, runner: Runner) -> None:
        self.environment, self.runner = environment, runner
        self.plan: Plan | None = None
        self.shares: dict[str, Samples | None] = {}
        self.zero_ns = 0

    @property
    def options(self) -> Namespace:
        """The options as they are now: the web page can change them."""
        return self.environment.parsed_options or Namespace()

    def start(self, **_: object) -> None:
        """Hand out the shares. Time zero is told on the wall clock: monotonic clocks of two machines are unrelated."""
        try:
            self.plan = plan_of(self.options, str(self.environment.host))
        except Failure as error:
            log.error("%s", error)  # noqa: TRY400 - for a user, without a traceback
            self.environment.process_exit_code = 2
            gevent.spawn(self.end)
            return
        ids = senders(self.runner)
        self.shares = dict.fromkeys(ids)
        lead_ns = round(LEAD_S[type(self.runner)] * 1e9) - min(0, int(self.plan.schedule.offset_ns.min(initial=0)))
        zero, self.zero_ns = time.time_ns() + lead_ns, time.monotonic_ns() + lead_ns
        if self.options.plan:
            replace(begun(Path(self.options.plan)), str(self.zero_ns))
        for index, name in enumerate(ids):
            self.runner.send_message(PLAN, [self.plan.share(index, len(ids)).facts(), zero], client_id=name)

    def collect(self, msg: Any, **_: object) -> None:  # noqa: ANN401 - Locust's message
        """Take the samples of one process."""
        name = msg.node_id if msg.node_id in self.shares else next(iter(self.shares))
        self.shares[name] = Samples.from_message(msg.data)
        self.end_if_complete()

    def end_if_complete(self) -> None:
        """End the test once everybody who still can has handed in."""
        waiting = [name for name in senders(self.runner) if name in self.shares and self.shares[name] is None]
        if self.plan is not None and not waiting:
            self.save()
            gevent.spawn(self.end)

    def save(self) -> None:
        """Merge and write what there is, and say whether it is everything."""
        if self.plan is None:
            return
        samples = merge(list(self.shares.values()), len(self.plan.schedule))
        missing = sum(share is None for share in self.shares.values())
        if missing:
            log.error("%s of %s processes ended without handing in their samples", missing, len(self.shares))
            self.environment.process_exit_code = 1
        save(self.options, self.plan, samples, self.zero_ns, len(self.shares))
        self.plan = None

    def end(self) -> None:
        """End the test; without a web page that is the end of Locust."""
        (self.runner.quit if self.options.headless else self.runner.stop)()

    def stop(self, **_: object) -> None:
        """Write what there is when a test is stopped before all processes have handed in."""
        self.save()


def senders(runner: Runner) -> list[str]:
    """Return the ids of the processes that send."""
    if not isinstance(runner, MasterRunner):
        return ["local"]
    return sorted(client.id for client in (*runner.clients.ready, *runner.clients.spawning, *runner.clients.running))


@events.init.add_listener  # type: ignore[untyped-decorator]
def connect(environment: Any, runner: Runner | None, **_: object) -> None:  # noqa: ANN401 - it gets an attribute
    """Put the parts into the processes that need them."""
    if isinstance(runner, LocalRunner | WorkerRunner):
        environment.sweetspot_share = AsyncResult()
        runner.register_message(PLAN, lambda msg, **_: environment.sweetspot_share.set(msg.data))
    if isinstance(runner, LocalRunner | MasterRunner):
        environment.shape_class.coordinator = coordinator = Coordinator(environment, runner)
        runner.register_message(SAMPLES, coordinator.collect)
        environment.events.test_start.add_listener(coordinator.start)
        environment.events.test_stop.add_listener(coordinator.stop)
