"""What the locust process runs: one user that sends a schedule in an open loop and writes down every request.

    python -m locust -f bench/locustfile.py --headless --host URL --users 1 --spec SPEC.json

The specification is written and its output read by `bench.load.generator`. Only this file and `bench.load.client` know
Locust, because importing it patches the interpreter.
"""

import gc
import json
import time
from argparse import ArgumentParser
from math import ceil
from pathlib import Path
from typing import Any

import gevent
from gevent.pool import Pool
from locust import User, events, task
from locust.env import Environment
from locust.exception import StopTest, StopUser

from bench.load.answers import PATHS, judge, stages
from bench.load.client import Wire, outcome_of

SPIN_S = 0.0015  # gevent's timers round up to the next millisecond, so the rest is waited for actively
LEAD_NS = 200_000_000


class NotOk(Exception):  # noqa: N818 - for Locust's table of failures
    """The outcome of a request that did not get the right answer."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add our argument to Locust's own."""
    parser.add_argument("--spec", help="the schedule to send, as JSON")


events.init_command_line_parser.add_listener(add_arguments)  # type: ignore[no-untyped-call]


class OpenLoopUser(User):
    """Sends every request at its intended time, however slow the answers are; drops are recorded, never silent."""

    fixed_count = 1

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        options = environment.parsed_options
        if options is None or not options.spec:
            raise StopTest("--spec FILE is missing: the schedule to send")
        self.spec: dict[str, Any] = json.loads(Path(options.spec).read_text(encoding="utf-8"))
        deadline_s = self.spec["deadline_s"]
        self.cap = ceil(self.spec["rate_per_s"] * deadline_s * 1.1) + 10  # more in flight can only have timed out
        self.wire = Wire(str(environment.host), deadline_s)
        # Encoded ahead: nothing is built while it could delay a request.
        self.requests = {
            (case, number): self.wire.encode(PATHS[case].format(id=photo["path"]))
            for case in self.spec["cases"]
            for number, photo in enumerate(self.spec["photos"])
        }
        self.rows: list[dict[str, Any]] = [{"outcome": "dropped"} for _ in self.spec["offset_ns"]]

    @task
    def run_schedule(self) -> None:
        """Dispatch all arrivals, drain, write the rows, end Locust."""
        flying = Pool(self.cap)
        gc.collect()
        gc.freeze()
        gc.disable()  # a collection in the window would be a pause that looks like the server's
        offsets = self.spec["offset_ns"]
        self.zero_ns = time.monotonic_ns() + LEAD_NS - min(0, offsets[0])
        for number, offset in enumerate(offsets):
            wait_until(self.zero_ns + offset)
            if flying.free_count() > 0:  # spawning into a full pool would block, and with it all that follow
                flying.spawn(self.fire, number)
        flying.join()  # every request has its own deadline, so this ends; cutting it off would censor the slow ones
        gc.enable()
        self.write()
        gevent.spawn(self.environment.runner.quit)
        raise StopUser

    def fire(self, number: int) -> None:
        """Send one request, record and report it. Its deadline counts from the intended time, like its latency."""
        spec, row = self.spec, self.rows[number]
        offset, case, photo = spec["offset_ns"][number], spec["cases"][spec["case"][number]], spec["photo"][number]
        sent = time.monotonic_ns() - self.zero_ns
        row.update(sent_ns=sent, outcome="error")  # holds if an error of our own, which gevent logs, ends this greenlet
        length = 0
        try:
            with gevent.Timeout(max(0.001, spec["deadline_s"] - (sent - offset) / 1e9)):
                answer = self.wire.exchange(self.requests[case, photo])
        except (gevent.Timeout, Exception) as error:  # noqa: BLE001 - every failure of the exchange is an outcome
            row.update(outcome=outcome_of(error))
        else:
            length = len(answer.body)
            row.update(done_ns=answer.done_ns - self.zero_ns, status=answer.status)
            row.update(stages(answer.server_timing))
            judged = judge(
                case, answer.status, answer.body, spec["photos"][photo]["id"], spec["photos"][photo]["labels"]
            )
            row.update(outcome=judged.outcome, model_version=judged.model_version, source=judged.source)
        self.report(case, row, offset, length)

    def report(self, case: str, row: dict[str, Any], offset: int, length: int) -> None:
        """Tell Locust, whose table then counts from the intended time, too."""
        done = row.get("done_ns", time.monotonic_ns() - self.zero_ns)
        self.environment.events.request.fire(
            request_type="GET",
            name=case if offset >= 0 else f"warm-up: {case}",
            response_time=(done - offset) / 1e6,
            response_length=length,
            exception=None if row["outcome"] == "ok" else NotOk(row["outcome"]),
            context={},
        )

    def write(self) -> None:
        """Write everything at once, after the last request: nothing is written while it could delay a request."""
        facts = {
            "zero_ns": self.zero_ns,
            "connections": self.wire.opened,
            "requests_sent": self.wire.sent,
            "rows": self.rows,
        }
        out = Path(self.spec["out"])
        part = out.with_suffix(".part")
        part.write_text(json.dumps(facts), encoding="utf-8")
        part.replace(out)


def wait_until(due_ns: int) -> None:
    """Return at the given monotonic time, at once if it has passed: a late dispatcher catches up, it skips nothing."""
    left = (due_ns - time.monotonic_ns()) / 1e9
    if left > SPIN_S:
        gevent.sleep(left - SPIN_S)
    while time.monotonic_ns() < due_ns:
        gevent.sleep(0)  # lets answers be read meanwhile
