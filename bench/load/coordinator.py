"""The coordinator of a test: hands the plan out, collects samples. In Locust's process that gives the users' orders."""

import logging
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.runners import STATE_SPAWNING, LocalRunner, MasterRunner, Runner

from bench.exits import StackFailed, UsageProblem
from bench.load.complaints import or_end
from bench.load.interrupts import NOT_WHOLE, NOTHING_SENT, last_words
from bench.load.options import plan_of
from bench.load.outputs import save, try_all
from bench.load.plan import Plan, begun
from bench.load.samples import Samples, merge
from runfile.folder import replace

# What coordinator and senders tell each other, in this order; the last but one only when a test is stopped.
PLAN, READY, BEGIN, HAND_IN, SAMPLES = (
    f"sweetspot {word}" for word in ("plan", "ready", "begin", "hand in", "samples")
)
LEAD_S = {LocalRunner: 0.2, MasterRunner: 2.0}  # from when all are ready until the warm-up begins
PHOTOS_S = 30.0  # for the list of photos, however slowly it drips
SPAWN_S = 10.0  # for a user in every process
READY_S, READY_REQUEST_S = 10.0, 50e-6  # to get ready to send, and so much more for each request
HAND_IN_S = 10.0  # for what was measured, when a test is stopped
STOPPED = "the test was stopped before anything was sent, so nothing is written"
log = logging.getLogger("sweetspot")


class Coordinator:
    """In the process that has the users' orders: hands the plan out in shares, collects and merges the samples."""

    def __init__(self, environment: Environment, runner: Runner) -> None:
        self.environment, self.runner = environment, runner
        self.plan: Plan | None = None  # of the test that is under way
        self.shares: dict[str, Samples | None] = {}
        self.preparing: set[str] = set()
        self.sending: set[str] = set()  # who has not handed in
        self.zero_ns, self.patience_s = 0, 0.0  # before all are ready, and for how long, on the monotonic clock
        self.said: set[str] = set()
        self.over, self.ending = True, False
        self.saved = Event()

    @property
    def options(self) -> Namespace:
        """The options as they are now: the web page can change them."""
        return self.environment.parsed_options or Namespace()

    @or_end
    def start(self, **_: object) -> None:
        """Find whatever can be wrong before anything is sent, and hand out the shares."""
        self.plan, self.zero_ns, self.over, self.ending = None, 0, False, False
        self.saved.clear()
        self.said.clear()
        self.environment.process_exit_code = None
        plan = self.planned()
        self.before = try_all(self.options, len(plan.schedule))
        ids = senders(self.runner)
        self.plan, self.shares, self.preparing, self.sending = plan, dict.fromkeys(ids), set(ids), set(ids)
        for index, name in enumerate(ids):
            self.runner.send_message(PLAN, plan.share(index, len(ids)).facts(), client_id=name)
        self.patience_s = time.monotonic() + SPAWN_S + READY_S + len(plan.schedule) * READY_REQUEST_S

    def planned(self) -> Plan:
        """Return the plan. Raises a Failure, also where the product never ends to list its photos."""
        host = str(self.environment.host or "")
        late = StackFailed(f"{host} did not list its photos within {PHOTOS_S:.0f} s")
        with gevent.Timeout(None if self.options.plan else PHOTOS_S, late):
            return plan_of(self.options, host)

    @or_end
    def hear(self, msg: Any, **_: object) -> None:  # noqa: ANN401 - Locust's message
        """Note that a process is ready to send."""
        self.preparing.discard(msg.node_id)
        self.begin_if_ready()

    def begin_if_ready(self) -> None:
        """Tell all when to begin, on the wall clock: monotonic clocks of two machines are unrelated."""
        living = senders(self.runner)
        if self.over or self.plan is None or self.zero_ns or not living or not self.preparing.isdisjoint(living):
            return
        lead_ns = round(LEAD_S[type(self.runner)] * 1e9) - min(0, int(self.plan.schedule.offset_ns.min(initial=0)))
        zero, zero_ns = time.time_ns() + lead_ns, time.monotonic_ns() + lead_ns
        if self.options.plan:
            replace(begun(Path(self.options.plan)), str(zero_ns))
        self.zero_ns, last_words.code = zero_ns, NOT_WHOLE
        for name in self.shares:
            self.runner.send_message(BEGIN, zero, client_id=name)

    @or_end
    def collect(self, msg: Any, **_: object) -> None:  # noqa: ANN401 - Locust's message
        """Take the samples of one process. One that could not send, or not all, ends the test."""
        if self.over or msg.node_id not in self.shares:
            return
        self.sending.discard(msg.node_id)
        if msg.data["samples"]:
            self.shares[msg.node_id] = Samples.from_message(msg.data["samples"])
        if msg.data["failed"]:
            self.fail(msg.data["failed"])
        self.save_if_complete()

    @or_end
    def look(self) -> None:
        """See who is still there."""
        self.begin_if_ready()
        if self.plan is not None and not self.zero_ns and time.monotonic() > self.patience_s:
            waiting = len(self.preparing.intersection(senders(self.runner)))
            raise StackFailed(f"{waiting} of {len(self.shares)} processes did not get ready to send in time")
        self.save_if_complete()

    def save_if_complete(self) -> None:
        """Save, and end the test, once everybody who still can has handed in."""
        if self.plan is not None and self.zero_ns and self.sending.isdisjoint(senders(self.runner)):
            self.save()
            self.end()

    def save(self) -> None:
        """Merge and write what there is, and say whether it is everything."""
        if self.plan is None:
            return
        plan, self.plan, self.over = self.plan, None, True  # ahead of all that can fail: nothing is written twice
        self.saved.set()
        samples = merge(list(self.shares.values()), len(plan.schedule))
        if (samples.outcome == "unsent").all():
            self.zero_ns = 0
            raise UsageProblem(STOPPED)
        missing = sum(share is None for share in self.shares.values())
        if missing:
            log.error("%s of %s processes ended without handing in their samples", missing, len(self.shares))
            self.environment.process_exit_code = NOT_WHOLE
        if unsent := int((samples.outcome == "unsent").sum()):
            log.warning("%s of %s requests were not sent: the test was stopped", unsent, len(plan.schedule))
        save(self.options, plan, samples, self.zero_ns, len(self.shares), self.before)

    def fail(self, words: str) -> None:
        """Say what is wrong, in the log and on the web page, and end the test."""
        if words not in self.said:  # several processes may find the same
            self.said.add(words)
            log.error("%s", words)
            self.runner.log_exception("sweetspot", words, "")
        self.environment.process_exit_code = NOT_WHOLE if self.zero_ns else NOTHING_SENT
        self.over = self.over or not self.zero_ns
        self.end()

    def end(self) -> None:
        """End the test; without a web page that is the end of Locust."""
        if not self.ending:
            self.ending = True
            gevent.spawn(self.end_when_spawned)

    def end_when_spawned(self) -> None:
        """Let Locust finish what it has begun: a master that is stopped while it spawns goes on to spawn."""
        with gevent.Timeout(SPAWN_S, exception=False):
            while self.runner.state == STATE_SPAWNING:
                gevent.sleep(0.05)
        (self.runner.quit if self.options.headless else self.runner.stop)()

    @or_end
    def stop(self, **_: object) -> None:
        """Have all processes hand in what they have, and save it: before Locust stops them, and forgets them."""
        if self.over:
            return
        self.ending = True
        if not self.zero_ns:
            self.fail(STOPPED)
            return
        self.runner.send_message(HAND_IN)
        self.save_if_complete()  # nobody may be left
        self.saved.wait(HAND_IN_S)
        self.save()


def senders(runner: Runner) -> list[str]:
    """Return the ids of the processes that send."""
    if not isinstance(runner, MasterRunner):
        return ["local"]
    return sorted(client.id for client in (*runner.clients.ready, *runner.clients.spawning, *runner.clients.running))
