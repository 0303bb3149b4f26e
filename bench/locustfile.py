"""What the locust process runs: one user that sends a schedule in an open loop and writes down every request.

    python -m locust -f bench/locustfile.py --headless --host URL --users 1 --spec SPEC.json

The specification is written and its output read by `bench.generator`. Only this file and `bench.client` know Locust,
because importing it patches the interpreter.
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
from locust import FastHttpUser, events, task
from locust.env import Environment
from locust.exception import StopTest, StopUser

from bench.answers import PATHS, Verdict, judge, stages
from bench.client import OneHostPool, outcome_of

SPIN_S = 0.0015  # gevent's timers round up to the next millisecond, so the rest is waited for actively
LEAD_NS = 200_000_000
HEADERS = {"Accept-Encoding": "identity"}  # compressing would load the system under test with work nobody compares


def add_arguments(parser: ArgumentParser) -> None:
    """Add our argument to Locust's own."""
    parser.add_argument("--spec", help="the schedule to send, as JSON")


events.init_command_line_parser.add_listener(add_arguments)  # type: ignore[no-untyped-call]


class OpenLoopUser(FastHttpUser):
    """Sends every request at its intended time, however slow the answers are; drops are recorded, never silent."""

    fixed_count = 1
    max_redirects = 0

    def __init__(self, environment: Environment) -> None:
        options = environment.parsed_options
        if options is None or not options.spec:
            raise StopTest("--spec FILE is missing: the schedule to send")
        self.spec: dict[str, Any] = json.loads(Path(options.spec).read_text(encoding="utf-8"))
        deadline_s = self.spec["deadline_s"]
        self.cap = ceil(self.spec["rate_per_s"] * deadline_s * 1.1) + 10  # more in flight can only have timed out
        self.wire = OneHostPool(str(environment.host), self.cap, deadline_s)
        self.client_pool = self.wire
        super().__init__(environment)
        agent = self.client.client
        agent.cookiejar = None  # shared by all greenlets, and no visitor of ours comes back
        agent.valid_response_codes = frozenset(range(100, 600))  # type: ignore[misc]  # we judge answers ourselves
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
        """Send one request and record it. Its deadline counts from the intended time, like its latency."""
        spec, row = self.spec, self.rows[number]
        offset = spec["offset_ns"][number]
        sent = time.monotonic_ns() - self.zero_ns
        row.update(sent_ns=sent, outcome="error")  # holds if an error of our own, which gevent logs, ends this greenlet
        try:
            with gevent.Timeout(max(0.001, spec["deadline_s"] - (sent - offset) / 1e9)):
                self.exchange(row, offset, spec["cases"][spec["case"][number]], spec["photos"][spec["photo"][number]])
        except gevent.Timeout:
            row.update(outcome="timeout")

    def exchange(self, row: dict[str, Any], offset: int, case: str, photo: dict[str, Any]) -> None:
        """Ask and judge. Times are taken before the answer is parsed."""
        name = case if offset >= 0 else f"warm-up: {case}"
        path = PATHS[case].format(id=photo["path"])
        with self.client.get(path, name=name, headers=HEADERS, catch_response=True) as answer:
            done = time.monotonic_ns() - self.zero_ns
            verdict = self.verdict(answer, case, photo)
            row.update(outcome=verdict.outcome, model_version=verdict.model_version, source=verdict.source)
            row.update(status=answer.status_code or None, done_ns=None if verdict.outcome == "timeout" else done)
            row.update(stages((answer.headers or {}).get("server-timing")))
            answer.request_meta["response_time"] = (done - offset) / 1e6  # so Locust's table counts from intended, too
            if verdict.outcome == "ok":
                answer.success()
            else:
                answer.failure(verdict.outcome)

    def verdict(self, answer: Any, case: str, photo: dict[str, Any]) -> Verdict:  # noqa: ANN401 - Locust's is untyped
        """Judge the answer; it is only parsed now, after its time was taken."""
        error = answer.request_meta["exception"]
        if error is not None:
            return Verdict(outcome_of(error))
        return judge(case, answer.status_code, answer.content or b"", photo["id"], photo["labels"])

    def write(self) -> None:
        """Write everything at once, after the last request: nothing is written while it could delay a request."""
        facts = {
            "zero_ns": self.zero_ns,
            "connections": self.wire.client.connections,
            "requests_sent": self.wire.client.sent,
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
