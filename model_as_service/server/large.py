"""Large photos: decoded before their job enters the lanes, one at a time, on a thread that nobody else waits for.

A photo of fifty megapixels takes a second, and a header can only be judged, not believed: on the thread of the model
everybody would wait for it. Here only its own request does, until its deadline. Where the decoder then still goes on,
the server calls itself not ready and takes no other large photo until it ends; all others are served. People come
before batch jobs here, too, and count only who goes ahead of them.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from imaging.cost import judge
from imaging.errors import UnreadableImage
from model_as_service.server.batch import decode
from model_as_service.server.decoder_turn import DecoderTurn
from model_as_service.server.lanes import INTERACTIVE
from model_as_service.server.refused import Abandoned, Refused

if TYPE_CHECKING:
    from model_as_service.server.bodies import Budget
    from model_as_service.server.lanes import Decoding, Job
    from vision.classifier import Classifier

WAITING = 8  # photos
SOON_S = 0.25  # whoever allows less than this has no time, and not a photo that is too large


class Client(Protocol):
    """What a `Connection` is here: it calls `gone` when its client has vanished, and is `lost` from then on."""

    gone: Callable[[], None] | None
    lost: bool


class LargePhotos:
    """Only the event loop uses it."""

    def __init__(self, budget: "Budget") -> None:
        self._budget = budget
        self._turn = DecoderTurn()
        self._waiting = [0, 0]  # photos by lane; the one that has the turn is ahead of everybody, so in the first
        self._takes_s = [0.0, 0.0]  # what they will take
        self._by: float | None = None  # until when the one that is decoded should be done

    @property
    def overrun(self) -> bool:
        """Whether one is being decoded for whom nobody waits any more."""
        return self._by is not None and monotonic() > self._by

    async def decode(self, job: "Job", large: dict[int, float], connection: "Client") -> None:
        """Decode these images of a job, of which the seconds are given; raises Refused, Abandoned."""
        self._check(job, large.values())
        waiter, gone = asyncio.current_task(), False

        def leave() -> None:
            nonlocal gone
            gone = True
            assert waiter is not None  # noqa: S101
            waiter.cancel()

        connection.gone = leave
        try:
            async with asyncio.timeout(job.deadline - monotonic()):
                for index, seconds in large.items():
                    job.decoded[index] = await self._one(job, job.images[index], seconds)
        except TimeoutError:
            raise Refused("the deadline passed while a large photo was decoded", 504, reason="expired") from None
        except asyncio.CancelledError:
            if gone:
                raise Abandoned from None
            raise
        finally:
            connection.gone = None

    def _check(self, job: "Job", seconds: Collection[float]) -> None:
        """Refuse what would be in vain: 422 where it always will be, 503 where it is now. Without others ahead, try."""
        budget_s, longest = job.deadline - job.arrived, max(seconds)
        if longest > max(budget_s, SOON_S):
            words = f"it takes about {longest:.1f} s to decode, longer than the {budget_s:.1f} s that there are for it"
            raise Refused(f"{words}; send it smaller, or allow more time", 422, reason="too_costly")
        if self.overrun:
            raise Refused("another photo takes too long to decode", 503, reason="overrun", retry_after=1)
        ahead, ahead_s = sum(self._waiting[: job.lane + 1]), sum(self._takes_s[: job.lane + 1])
        late = ahead_s + sum(seconds) - (job.deadline - monotonic())
        if ahead >= WAITING or (ahead and late > 0):
            raise Refused("other large photos are being decoded", 503, reason="large_busy", retry_after=max(1.0, late))

    async def _one(self, job: "Job", image: bytes, seconds: float) -> "Decoding":
        self._count(job.lane, 1, seconds)
        try:
            await self._turn.take(job.lane)
        finally:
            self._count(job.lane, -1, -seconds)
        self._count(INTERACTIVE, 1, seconds)
        decoding: Decoding = Future()
        done = asyncio.wrap_future(decoding)
        done.add_done_callback(lambda _: self._next(seconds, done))
        self._by = job.deadline
        _on_a_thread(decoding, job.version.classifier, image)
        try:
            await asyncio.wait([done])
        finally:
            if not done.done():  # the request ends, and its body is counted no more
                self._budget.held += len(image)
                done.add_done_callback(lambda _: self._give_back(len(image)))
        return decoding

    def _next(self, seconds: float, done: "asyncio.Future[Any]") -> None:
        done.exception()  # or asyncio would complain that nobody has looked
        self._by = None
        self._count(INTERACTIVE, -1, -seconds)
        self._turn.give()

    def _count(self, lane: int, photos: int, seconds: float) -> None:
        self._waiting[lane] += photos
        self._takes_s[lane] += seconds

    def _give_back(self, count: int) -> None:
        self._budget.held -= count


def large_ones(images: Sequence[bytes]) -> dict[int, float]:
    """Return which images are large, and the seconds that each will take; what is no photo is said when it is read."""
    found = {}
    for index, image in enumerate(images):
        try:
            cost = judge(image)
        except UnreadableImage:
            continue
        if cost.large:
            found[index] = cost.seconds
    return found


def _on_a_thread(decoding: "Decoding", classifier: "Classifier", image: bytes) -> None:
    """Decode on a thread of its own, which a process that ends does not wait for."""
    decoding.set_running_or_notify_cancel()

    def work() -> None:
        try:
            decoding.set_result(decode(classifier, image))
        except BaseException as error:  # noqa: BLE001  (whoever reads the result gets it)
            decoding.set_exception(error)

    try:
        Thread(target=work, name="large photo", daemon=True).start()
    except RuntimeError as error:  # the system has no thread for it now
        words = "a large photo cannot be decoded now"
        decoding.set_exception(error)
        raise Refused(words, 503, reason="large_busy", retry_after=1) from error
