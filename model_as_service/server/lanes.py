"""Who waits for the model: two lanes in order of arrival, people before batch jobs. Below `scheduler.py`."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import Future
    from concurrent.futures import Future as Promise

    from model_as_service.server.costs import Costs
    from model_as_service.server.refused import Refused
    from model_as_service.server.repository import Version
    from vision.classifier import Probabilities
    from vision.preprocess import Pixels

    Decoding = Promise[tuple[Pixels, float]]  # and the seconds that it took

INTERACTIVE, BULK = 0, 1


def costs_in(version: "Version", lane: int) -> "Costs":
    """Return what the batches of a version cost in a lane."""
    return version.bulk_costs if lane == BULK else version.costs


@dataclass(slots=True, eq=False)
class Job:
    """One request. Times are monotonic, in seconds; stages are those of the batches that it was part of."""

    version: "Version"
    images: Sequence[bytes]
    arrived: float
    deadline: float
    lane: int
    done: "Future[None]"
    answers: "list[Probabilities | Refused | None]" = field(init=False)
    taken: int = 0  # images that are in a batch or answered
    open: int = field(init=False)  # images without an answer
    dead: bool = False  # expired or abandoned: costs nothing from here on
    decoded: "dict[int, Decoding]" = field(default_factory=dict)  # the images that other threads decode ahead
    begun: float = 0.0  # when its first batch was
    decode_s: float = 0.0
    infer_s: float = 0.0

    def __post_init__(self) -> None:
        self.answers = [None] * len(self.images)
        self.open = len(self.images)

    @property
    def costs(self) -> "Costs":
        """What batches with its images cost."""
        return costs_in(self.version, self.lane)

    @property
    def queue_s(self) -> float:
        """How long it only waited."""
        ahead = self.decode_s if self.decoded else 0.0
        return max(0.0, self.begun - self.arrived - ahead)

    @property
    def waiting(self) -> int:
        """How many of its images no batch has taken yet."""
        return 0 if self.dead else len(self.images) - self.taken


@dataclass(slots=True)
class Item:
    """One image of a job."""

    job: Job
    index: int

    @property
    def image(self) -> bytes:
        """The encoded photo."""
        return self.job.images[self.index]


class Lanes:
    """The queue. Counts images, not requests, because images are what takes time."""

    def __init__(self) -> None:
        self._lanes: tuple[deque[Job], deque[Job]] = (deque(), deque())
        self._waiting: tuple[Counter[Version], Counter[Version]] = (Counter(), Counter())

    def __len__(self) -> int:
        return sum(count.total() for count in self._waiting)

    def push(self, job: Job) -> None:
        """Add a job at the end of its lane."""
        self._lanes[job.lane].append(job)
        self._count(job, job.waiting)

    def kill(self, job: Job) -> None:
        """Let a job cost nothing from here on: no place in the queue and no memory."""
        if job.waiting:
            self._lanes[job.lane].remove(job)
        self._count(job, -job.waiting)
        job.dead = True

    def ahead(self, lane: int) -> "Iterator[tuple[Version, int]]":
        """Yield how many images go before a newcomer in that lane, by version."""
        for number in range(lane + 1):
            yield from self.of(number)

    def of(self, lane: int) -> "Iterable[tuple[Version, int]]":
        """Return how many images wait in a lane, by version."""
        return self._waiting[lane].items()

    def first(self) -> Job | None:
        """Return the job whose turn it is."""
        for lane in self._lanes:
            while lane and not lane[0].waiting:
                lane.popleft()
            if lane:
                return lane[0]
        return None

    def same(self, job: Job) -> Iterator[Job]:
        """Yield the jobs of its lane that can share a batch with it, in order: those of the same version."""
        return (other for other in self._lanes[job.lane] if other.version is job.version and other.waiting)

    def take(self, job: Job, size: int) -> list[Item]:
        """Take so many images, this job's first."""
        items: list[Item] = []
        for other in self.same(job):
            count = min(other.waiting, size - len(items))
            items += [Item(other, other.taken + more) for more in range(count)]
            other.taken += count
            if len(items) == size:
                break
        self._count(job, -len(items))
        return items

    def _count(self, job: Job, change: int) -> None:
        counts = self._waiting[job.lane]
        counts[job.version] += change
        if not counts[job.version]:
            del counts[job.version]  # nothing here keeps a version in memory that was unloaded
