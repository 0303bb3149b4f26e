"""The thread of the model, and who gets on it when: admission, batches, deadlines. Between `inference.py` and `vision`.

A newcomer is admitted if it can be answered by its deadline behind everybody who is ahead; if not, it is refused at
once. Whoever was admitted is never displaced by a later one of the same lane. The thread never waits while there is
work: a batch is what is there when the model becomes free, in one of the sizes that were warmed up.
"""

import asyncio
import logging
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING

from model_as_service.server.batch import Map, Outcome, decode, run
from model_as_service.server.lanes import BULK, Item, Job, Lanes, costs_in
from model_as_service.server.refused import Refused
from model_as_service.server.running import Running

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_as_service.server.repository import Version

log = logging.getLogger(__name__)

MARGIN = 1.1  # on every predicted wait: others may take the processor before it is over
RESERVE_S = 0.005  # of every deadline, for what comes before and after: the network, the event loop
BULK_S = 0.1  # people wait for a batch of a job no longer, unless one image takes longer
CLOSE_S = 5.0
FAILURES = 3  # so many batches in a row without one answer: the model is broken, not the images


class Scheduler:
    """One model device. `submit`, `kill` and the properties are the event loop's, `_work` is the thread.

    `tell` is told of every batch that the model ran.
    """

    def __init__(self, tell: "Callable[[Outcome], None]", *, capacity: int, decoders: int = 0) -> None:
        self._tell, self._capacity = tell, capacity
        self._lanes = Lanes()
        self._lock = threading.Lock()
        # The thread waits for this lock where it has nothing to do: a `Condition` would spend several times as long.
        self._bell = threading.Lock()
        self._bell.acquire()
        self._rests = True
        self._running: Running | None = None
        self._failures = 0
        self._closed = False
        # With one core the thread of the model decodes: a second thread would only take the core from it.
        self._decoders = ThreadPoolExecutor(decoders, "decode") if decoders else None
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)
        self._thread.start()

    @property
    def depth(self) -> int:
        """How many images wait."""
        return len(self._lanes)

    @property
    def hangs(self) -> bool:
        """Tell whether the model has stopped answering; only a new process helps."""
        running = self._running
        return running is not None and running.hangs(monotonic())

    @property
    def decodes_for_long(self) -> bool:
        """Tell whether everybody waits for a photo to be decoded."""
        running = self._running
        return running is not None and running.decodes_for_long(monotonic())

    @property
    def fails(self) -> bool:
        """Tell whether the model answers nothing but errors."""
        return self._failures >= FAILURES

    def check(self, version: "Version", images: int, lane: int, deadline: float) -> None:
        """Raise Refused where so many images could not be answered by then: 503, and when to come back."""
        with self._lock:
            self._check(version, images, lane, deadline)

    def submit(self, job: Job) -> None:
        """Queue a job, whose `done` will be set; raises Refused."""
        with self._lock:
            self._check(job.version, len(job.images), job.lane, job.deadline)
            self._lanes.push(job)
            if self._decoders and job.lane != BULK:  # or people's photos would be decoded behind all of theirs
                model = job.version.classifier
                for index, image in enumerate(job.images):
                    if index not in job.decoded:
                        job.decoded[index] = self._decoders.submit(decode, model, image)
            self._wake()

    def kill(self, job: Job, error: Exception) -> None:
        """Answer a job with an error, and spend nothing more on it."""
        with self._lock:
            self._drop(job)
        if not job.done.done():
            job.done.set_exception(error)

    def close(self) -> None:
        """End the thread once it is idle: an interpreter that ends under native code would crash."""
        with self._lock:
            self._closed = True
            self._wake()
        self._thread.join(CLOSE_S)

    def _check(self, version: "Version", images: int, lane: int, deadline: float) -> None:
        now, ahead = monotonic(), sum(count for _, count in self._lanes.ahead(lane))
        if self._running is None and not len(self._lanes) and images <= self._capacity:
            return  # an idle model tries: it costs nobody anything, and what was learned may be out of date
        wait = self._wait(version, images, lane, now)
        if ahead + images > self._capacity:
            if images > self._capacity:  # to come back is no use
                raise Refused(f"a request may have at most {self._capacity} images here, not {images}")
            raise Refused(
                f"{ahead} images are waiting, at most {self._capacity} may",
                503, reason="queue_full", retry_after=wait,
            )  # fmt: skip
        late = now + MARGIN * wait + RESERVE_S - deadline
        if late > 0:
            raise Refused(
                f"the answer would take {wait * 1e3:.0f} ms, {late * 1e3:.0f} ms longer than there is",
                503, reason="deadline", retry_after=late,
            )  # fmt: skip

    def _wait(self, version: "Version", images: int, lane: int, now: float) -> float:
        """Return within how many seconds a newcomer is surely answered."""
        wait = self._running.left(now) if self._running else 0.0
        for theirs in range(lane + 1):
            for other, count in self._lanes.of(theirs):
                if other is version and theirs == lane:
                    images += count
                else:
                    wait += costs_in(other, theirs).of(count)
        return wait + costs_in(version, lane).of(images)

    def _work(self) -> None:
        items = self._next()
        while items is not None:
            running = self._running
            assert running is not None  # noqa: S101  (whoever takes a batch sets it)
            outcome = run(items, running.note_decoded, self._side_by_side(items))
            self._failures = 0 if outcome.answered else self._failures + 1
            with self._lock:
                if outcome.whole:
                    items[0].job.costs.observe(len(items), outcome.seconds)
                following = self._take()
            # At last: it wakes the event loop, which can do nothing until this thread lets go of the interpreter.
            self._loop.call_soon_threadsafe(self._deliver, items, outcome)
            del items, outcome  # or an unloaded version would stay until the next batch
            items = following or self._next()

    def _side_by_side(self, items: list[Item]) -> "Map":
        """Return how to decode a batch: that of a batch job by all decoders, since nothing of it was decoded ahead."""
        return self._decoders.map if self._decoders and items[0].job.lane == BULK else map

    def _next(self) -> list[Item] | None:
        """Rest until there is work, and take a batch; None at the end."""
        while not self._closed:
            self._bell.acquire()
            with self._lock:
                items = self._take()
            if items:
                return items
        return None

    def _wake(self) -> None:
        if self._rests:
            self._rests = False
            self._bell.release()

    def _take(self) -> list[Item] | None:
        """Take a batch of what waits; None where nothing does: then the thread will rest."""
        self._running = None
        while (job := self._lanes.first()) is not None:
            now = monotonic()
            if not self._too_late(job, now):
                costs = job.costs
                items = self._lanes.take(job, costs.best(*self._worth(job, now)))
                self._running = Running(now, costs.expected(len(items)), costs.safe(len(items)))
                return items
            self._drop(job)
            self._loop.call_soon_threadsafe(self._expired, job)
        self._rests = True
        return None

    def _too_late(self, job: Job, now: float) -> bool:
        """Tell whether work on a job would be in vain. While nobody waits behind it, it is tried to the last moment."""
        alone = len(self._lanes) == job.waiting
        return now + (0.0 if alone else job.costs.expected(1)) >= job.deadline

    def _drop(self, job: Job) -> None:
        """Spend nothing more on a job; what a batch has taken already is answered with it."""
        for index, decoding in job.decoded.items():
            if index >= job.taken:
                decoding.cancel()
        self._lanes.kill(job)

    def _worth(self, job: Job, now: float) -> tuple[int, float]:
        """Return how many images could share a batch with a job, and the seconds that the batch may take.

        The first of their deadlines says that; and people who come meanwhile wait for a batch of a job.
        """
        images, deadline, most = 0, job.deadline, job.costs.sizes[-1]
        for other in self._lanes.same(job):
            images, deadline = images + other.waiting, min(deadline, other.deadline)
            if images >= most:
                break
        return images, min(deadline - now, BULK_S if job.lane == BULK else math.inf)

    def _deliver(self, items: list[Item], outcome: Outcome) -> None:
        """Give every image its answer, on the event loop; a job is done with its last one."""
        for item, answer in zip(items, outcome.answers, strict=True):
            job = item.job
            job.answers[item.index] = answer
            job.open -= 1
            if not job.open and not job.done.done():
                job.done.set_result(None)
        # Twice: the first turn of the loop writes the answers, which go out at its end.
        self._loop.call_soon(self._loop.call_soon, self._count, items[0].job.version, outcome)

    def _count(self, version: "Version", outcome: Outcome) -> None:
        self._tell(outcome)
        version.statistics.batch(len(outcome.answers), outcome.decode_s, outcome.infer_s)

    def _expired(self, job: Job) -> None:
        if not job.done.done():
            job.done.set_exception(expired())


def expired() -> Refused:
    """Return what a request is told whose deadline passed while it waited."""
    return Refused("the deadline passed while the request waited", 504, reason="expired")
