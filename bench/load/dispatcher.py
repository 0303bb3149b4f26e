"""The open loop: sends every request of a plan at its intended time, however slow the answers are. Runs on gevent.

Nothing is built, parsed twice, collected or written while it could delay a request.
"""

import gc
import pkgutil
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

import gevent
from gevent.event import Event

from bench.load.answers import Verdict, stages
from bench.load.client import Wire, outcome_of
from bench.load.plan import Judge, Plan, Target
from bench.load.samples import CODES, Samples
from bench.load.waiter import Waiter
from bench.stacks.contract import PATHS

HEARTBEAT_NS = 10_000_000
SPARE = 10
MS = 1e6  # nanoseconds


@dataclass(frozen=True)
class Sent:
    """One request as it ended, for whoever counts along; a failure is at least as slow as the deadline."""

    case: str
    warm_up: bool
    outcome: str
    response_ms: float
    length: int


class Dispatcher:
    """Sends one plan and records in `samples` what becomes of it."""

    def __init__(self, plan: Plan, samples: Samples, tell: Callable[[Sent], None]) -> None:
        self.plan, self.samples, self.tell = plan, samples, tell
        self.wires = [Wire(host) for host in plan.hosts]
        make_judge: Callable[[str], Judge] = pkgutil.resolve_name(plan.judge)
        self.judge = make_judge(plan.judge_of)
        # Encoded ahead, and plain lists: indexing numpy arrays one by one is slow.
        self.requests = [
            [[request_of(wire, case, target) for target in plan.targets] for case in plan.schedule.cases]
            for wire in self.wires
        ]
        columns = (plan.schedule.offset_ns, plan.schedule.case, plan.schedule.photo, plan.schedule.step)
        self.rows: list[tuple[int, int, int, int]] = list(zip(*(column.tolist() for column in columns), strict=True))
        self.zero_ns = 0
        self.flying: set[object] = set()
        self.landed = Event()
        self.broken: Exception | None = None
        self.timings: dict[int, bytes] = {}

    def run(self, zero_ns: int) -> None:
        """Send everything, then wait for all answers: cutting that off would censor the slow ones.

        Raises what a judge or who counts along raised: what they made of the other answers would be as wrong.
        """
        self.zero_ns = zero_ns
        try:
            with no_collections(), heartbeat(self.samples.loop_lag_ns):
                before = collections()
                self.dispatch()
                while self.flying and self.broken is None:
                    self.landed.clear()
                    self.landed.wait()
                if self.broken is not None:
                    raise self.broken
                self.samples.collections = collections() - before
        finally:
            gevent.killall(list(self.flying))  # only a run that is stopped still has some
            self.samples.connections = sum(wire.opened for wire in self.wires)
            self.samples.requests_sent = sum(wire.sent for wire in self.wires)
            for wire in self.wires:
                wire.close()
            self.note_stages()

    def dispatch(self) -> None:
        """Start every request at its time."""
        # More in flight can only be requests whose deadline has passed: then it is the generator that is behind. Such
        # a request is dropped and recorded, because waiting for a place would delay all that follow it.
        cap = self.plan.schedule.most_in_flight(self.plan.deadline_s) + SPARE
        with closing(Waiter()) as waiter:
            for number, (offset, *_, step) in enumerate(self.rows):
                if self.broken is not None:
                    return
                waiter.until(self.zero_ns + offset + round(self.plan.turn(step).delay_ms * MS))
                if len(self.flying) < cap:
                    self.flying.add(gevent.spawn_raw(self.fly, number))
                else:
                    self.samples.numbers["code"][number] = CODES["dropped"]

    def fly(self, number: int) -> None:
        """Fire, in a greenlet of its own."""
        try:
            self.fire(number)
        except gevent.GreenletExit:  # the run was stopped
            self.samples.numbers["code"][number] = CODES["lost"]
        except Exception as error:  # noqa: BLE001 - an error of our own, which `run` raises; gevent would only log it
            self.broken = self.broken or error
        finally:
            self.flying.discard(gevent.getcurrent())
            self.landed.set()

    def fire(self, number: int) -> None:
        """Send one request and record it. Its deadline counts from the intended time, like its latency."""
        offset, case, photo, step = self.rows[number]
        target, name = self.plan.targets[photo], self.plan.schedule.cases[case]
        numbers, length, host = self.samples.numbers, 0, self.plan.turn(step).host
        sent = time.monotonic_ns() - self.zero_ns
        numbers["sent_ns"][number] = sent
        numbers["code"][number] = CODES["error"]  # holds if an error of our own ends this greenlet
        try:
            with gevent.Timeout(max(0.001, self.plan.deadline_s - (sent - offset) / 1e9)):
                answer = self.wires[host].exchange(self.requests[host][case][photo])
        except (gevent.Timeout, Exception) as error:  # noqa: BLE001 - every failure of the exchange is an outcome
            verdict = Verdict(outcome_of(error))
            numbers["done_ns"][number] = time.monotonic_ns() - self.zero_ns
        else:
            length = len(answer.body)
            numbers["done_ns"][number] = answer.done_ns - self.zero_ns
            numbers["status"][number] = answer.status
            self.timings[number] = answer.server_timing
            verdict = self.judge(name, answer, target)
        numbers["code"][number] = CODES[verdict.outcome]
        for column, word in verdict.words.items():
            self.samples.words[column][number] = word
        self.tell(Sent(name, step < 0, verdict.outcome, self.response_ms(number, offset, verdict), length))

    def note_stages(self) -> None:
        """Write down what the servers said about their time; read from the headers when nothing can be delayed."""
        for number, header in self.timings.items():
            for stage, milliseconds in stages(header.decode("latin-1")).items():
                self.samples.numbers[f"stage_{stage}_ms"][number] = milliseconds

    def response_ms(self, number: int, offset: int, verdict: Verdict) -> float:
        """Return milliseconds from the intended time; a quick failure must not look like a quick answer."""
        waited = (int(self.samples.numbers["done_ns"][number]) - offset) / MS
        return waited if verdict.outcome == "ok" else max(waited, self.plan.deadline_s * 1000)


def request_of(wire: Wire, case: str, target: Target) -> bytes:
    """Return the bytes that ask for a target."""
    if "post" in target:
        return wire.encode_post(target["path"], target["post"]["headers"], b64decode(target["post"]["body"]))
    return wire.encode(PATHS[case].format(id=target["path"]))


def collections() -> int:
    """Return how often garbage has been collected in this process so far."""
    return sum(generation["collections"] for generation in gc.get_stats())


@contextmanager
def no_collections() -> Iterator[None]:
    """Keep the garbage collector out: a collection would be a pause that looks like the server's."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


@contextmanager
def heartbeat(lags_ns: list[int]) -> Iterator[None]:
    """Record every 10 ms how late this process gets to run: as late it reads answers, too."""

    def beat() -> None:
        due = time.monotonic_ns() + HEARTBEAT_NS
        with closing(Waiter()) as waiter:
            while True:
                waiter.until(due)
                now = time.monotonic_ns()
                lags_ns.append(now - due)
                due = max(due + HEARTBEAT_NS, now)

    beating = gevent.spawn(beat)
    try:
        yield
    finally:
        with suppress(gevent.GreenletExit):
            beating.kill()
