"""The model behind a bounded queue: one thread decodes and infers, so that the event loop never waits for either."""

import asyncio
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter

from vision.classifier import Classified, Classifier


class QueueFull(Exception):  # noqa: N818
    """As many requests wait as may; `retry_after` says in how many whole seconds there should be room."""

    def __init__(self, waiting: int, retry_after: int) -> None:
        super().__init__(f"{waiting} requests are waiting; ask again in {retry_after} s")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Done:
    """An answered request, by which model, and how long it waited for the thread, in seconds."""

    classifier: Classifier
    classified: Classified
    queue_seconds: float


class Runner:
    """One model on one device. All methods but the constructor are called on the event loop."""

    def __init__(self, load: Callable[[], Classifier], *, capacity: int) -> None:
        self._load, self._capacity = load, capacity
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._waiting = 0
        self._seconds = 0.02  # what a request takes, learned
        self._reloading = asyncio.Lock()
        self.classifier = load()

    async def reload(self) -> None:
        """Load the live version beside the one that serves, then swap; where loading fails the old one stays."""
        async with self._reloading:  # of two reloads the later one has the last word
            self.classifier = await asyncio.to_thread(self._load)

    def check_room(self) -> None:
        """Raise QueueFull where one more request could not wait: asked before its body is read."""
        if self._waiting >= self._capacity:
            raise QueueFull(self._waiting, max(1, math.ceil(self._waiting * self._seconds)))

    async def classify(self, images: Sequence[bytes]) -> Done:
        """Classify encoded images in turn; raises QueueFull at once where there is no room."""
        self.check_room()
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            done, seconds = await loop.run_in_executor(self._thread, _run, self.classifier, images, perf_counter())
        finally:
            self._waiting -= 1
        self._seconds += 0.1 * (seconds - self._seconds)
        return done


def _run(classifier: Classifier, images: Sequence[bytes], queued_at: float) -> tuple[Done, float]:
    start = perf_counter()
    classified = classifier.classify(images)
    return Done(classifier, classified, start - queued_at), perf_counter() - start
