"""Who gets on the model and when, with a model that runs when it is told to. No test waits for time to pass."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from time import monotonic
from typing import Any
from unittest.mock import Mock

import pytest

from model_as_service.server import running
from model_as_service.server import scheduler as module
from model_as_service.server.batch import Outcome
from model_as_service.server.lanes import BULK, INTERACTIVE, Job
from model_as_service.server.refused import Abandoned, Refused
from model_as_service.server.scheduler import Scheduler, expired
from tests.unit.model_as_service.server.fakes import NAN, POISON, QUICK, UNREADABLE, FakeModel, loaded

SOON, LONG = 0.5, 1000.0
ONE_SECOND = {1: 1.0}


class Desk:
    """A scheduler with one model, on the running loop."""

    def __init__(self, seconds: Mapping[int, float] = QUICK, *, capacity: int = 100, decoders: int = 0) -> None:
        self.model = FakeModel()
        self.version = loaded(self.model, seconds)
        self.told = Mock()
        self.scheduler = Scheduler(self.told, capacity=capacity, decoders=decoders)

    def ask(self, *images: bytes, lane: int = INTERACTIVE, within: float = LONG) -> Job:
        now, done = monotonic(), asyncio.get_running_loop().create_future()
        job = Job(self.version, images, now, now + within, lane, done)
        self.scheduler.submit(job)
        return job

    async def busy(self) -> Job:
        """The model has begun with an image, and will not end before it is let go."""
        self.model.held = True
        job = self.ask(b"busy")
        assert await asyncio.to_thread(self.model.begun.acquire, timeout=10)
        return job

    def refusal(self, *images: bytes, lane: int = INTERACTIVE, within: float = SOON) -> Refused:
        with pytest.raises(Refused) as refused:
            self.ask(*images, lane=lane, within=within)
        return refused.value


Scenario = Callable[[Callable[..., Desk]], Coroutine[Any, Any, None]]


@pytest.fixture
def play() -> Iterator[Callable[[Scenario], None]]:
    """Run a scenario on an event loop; the threads of its models have ended afterwards."""
    desks: list[Desk] = []

    def desk(*arguments: Any, **named: Any) -> Desk:
        desks.append(Desk(*arguments, **named))
        return desks[-1]

    def run(scenario: Scenario) -> None:
        async def whole() -> None:
            await scenario(desk)
            for each in desks:
                each.model.let_go()
                each.scheduler.close()
                assert not each.scheduler._thread.is_alive()

        asyncio.run(asyncio.wait_for(whole(), 30))

    return run


def index(job: Job) -> list[object]:
    return [answer.status if isinstance(answer, Refused) else int(answer.argmax()) for answer in job.answers]  # type: ignore[union-attr]


async def error_of(job: Job) -> Exception:
    with pytest.raises((Refused, Abandoned)) as error:
        await job.done
    return error.value


def test_an_answer(play) -> None:
    async def scenario(desk) -> None:
        job = (it := desk()).ask(b"a", b"b", b"c")
        await job.done
        assert index(job) == [97, 98, 99]
        assert it.scheduler.depth == 0

    play(scenario)


def test_who_cannot_be_answered_in_time_is_refused_at_once_and_told_when_to_come_back(play) -> None:
    async def scenario(desk) -> None:
        it = desk(ONE_SECOND)
        await it.busy()
        waits = []
        for _ in range(4):
            refused = it.refusal(b"late")
            assert (refused.status, refused.reason) == (503, "deadline")
            waits.append(refused.retry_after)
            it.ask(b"patient")
        assert waits == sorted(set(waits)), "the longer the queue, the later"
        assert waits[0] >= 1
        assert b"late" not in it.model.decoded
        it.ask(b"patient")  # those who have the time still get in

    play(scenario)


def test_what_the_model_is_at_counts_too(play) -> None:
    async def scenario(desk) -> None:
        it = desk(ONE_SECOND)
        alone = it.version.costs.safe(1)
        await it.busy()
        assert it.refusal(b"late", within=1.5 * alone).reason == "deadline"
        it.ask(b"patient", within=2.5 * alone)

    play(scenario)


def test_to_be_refused_needs_no_body(play) -> None:
    async def scenario(desk) -> None:
        it = desk(ONE_SECOND)
        await it.busy()
        with pytest.raises(Refused, match="the answer would take"):
            it.scheduler.check(it.version, 1, INTERACTIVE, monotonic() + SOON)
        it.scheduler.check(it.version, 1, INTERACTIVE, monotonic() + LONG)
        assert it.scheduler.depth == 0

    play(scenario)


def test_an_idle_model_always_tries(play) -> None:
    """What was learned may be out of date: refusing on it would never find out."""

    async def scenario(desk) -> None:
        it = desk({1: 100.0})
        await it.ask(b"a", within=SOON).done

    play(scenario)


def test_what_waits_is_counted_in_images_of_every_version(play) -> None:
    async def scenario(desk) -> None:
        it = desk(ONE_SECOND)
        await it.busy()
        it.ask(b"a", b"b", b"c")
        other = loaded(FakeModel(version="2"), {1: 10.0})
        it.scheduler.submit(Job(other, [b"d"], 0.0, monotonic() + LONG, INTERACTIVE, it.ask(b"e").done))
        refused = it.refusal(b"late")
        assert 3 + 1 + 10 <= refused.retry_after <= 3 * (3 + 1 + 10)

    play(scenario)


def test_a_full_queue_refuses_whoever_has_time_too(play) -> None:
    async def scenario(desk) -> None:
        it = desk(capacity=3)
        await it.busy()
        it.ask(b"a", b"b")
        refused = it.refusal(b"c", b"d", within=LONG)
        assert (refused.status, refused.reason, refused.retry_after) == (503, "queue_full", 1)
        it.ask(b"c")
        assert it.scheduler.depth == 3

    play(scenario)


def test_batch_jobs_fill_no_place_of_people(play) -> None:
    async def scenario(desk) -> None:
        it = desk(capacity=3)
        await it.busy()
        it.ask(b"a", b"b", b"c", lane=BULK)
        refused = it.refusal(b"d", lane=BULK, within=LONG)
        assert (refused.reason, str(refused)) == ("queue_full", "3 images are waiting, at most 3 may")
        it.scheduler.check(it.version, 1, INTERACTIVE, monotonic() + LONG)
        it.ask(b"e", b"f", b"g")
        assert it.refusal(b"h", within=LONG).reason == "queue_full"
        assert it.scheduler.depth == 6

    play(scenario)


def test_people_who_wait_leave_no_place_for_batch_jobs(play) -> None:
    async def scenario(desk) -> None:
        it = desk(capacity=3)
        await it.busy()
        it.ask(b"a", b"b")
        it.ask(b"c", lane=BULK)
        assert it.refusal(b"d", lane=BULK, within=LONG).reason == "queue_full"

    play(scenario)


def test_more_images_than_may_ever_wait_are_the_request_s_fault(play) -> None:
    async def scenario(desk) -> None:
        it = desk(capacity=3)
        refusals = [it.refusal(b"a", b"b", b"c", b"d", within=LONG)]
        await it.busy()
        refusals.append(it.refusal(b"a", b"b", b"c", b"d", within=LONG))
        it.ask(b"a", b"b", b"c")
        refusals.append(it.refusal(b"a", b"b", b"c", b"d", within=LONG))
        for refused in refusals:
            assert (refused.status, refused.reason, refused.retry_after) == (400, "bad_request", None)
            assert str(refused) == "a request may have at most 3 images here, not 4"

    play(scenario)


@pytest.mark.parametrize("behind", [[], [b"b"]])
def test_what_expired_in_the_queue_is_never_decoded(play, behind: list[bytes]) -> None:
    async def scenario(desk) -> None:
        it = desk()
        await it.busy()
        job = it.ask(b"late")
        others = [it.ask(image, lane=BULK) for image in behind]
        job.deadline = monotonic()
        it.model.let_go()
        error = await error_of(job)
        assert (error.status, error.reason) == (504, "expired")
        await asyncio.gather(*(other.done for other in others))
        assert b"late" not in it.model.decoded
        assert it.scheduler.depth == 0

    play(scenario)


def test_whose_time_is_too_short_for_one_run_is_tried_only_where_nobody_waits_behind(play) -> None:
    async def scenario(desk) -> None:
        it = desk({1: 5.0})
        await it.busy()
        job = it.ask(b"short")
        behind = it.ask(b"b")
        job.deadline = monotonic() + 2.0
        it.model.let_go()
        assert (await error_of(job)).status == 504
        await behind.done
        it.model.begun = threading.Semaphore(0)
        await it.busy()
        alone = it.ask(b"alone")
        alone.deadline = monotonic() + 2.0
        it.model.let_go()
        await alone.done

    play(scenario)


@pytest.mark.parametrize("decoders", [0, 1])
def test_what_was_abandoned_is_never_decoded(play, decoders: int) -> None:
    async def scenario(desk) -> None:
        it = desk(decoders=decoders)
        if decoders:  # the one decoder is taken, too
            go, preprocess = threading.Event(), it.model.preprocess
            it.model.preprocess = lambda image: (image == b"busy" or go.wait(10)) and preprocess(image)
        await it.busy()
        waits, gone, stays = it.ask(b"waits"), it.ask(b"gone"), it.ask(b"stays")
        it.scheduler.kill(gone, Abandoned())
        assert it.scheduler.depth == 2
        if decoders:
            go.set()
        it.model.let_go()
        assert isinstance(await error_of(gone), Abandoned)
        await waits.done
        await stays.done
        assert b"gone" not in it.model.decoded

    play(scenario)


def test_a_dead_job_is_not_decoded_ahead_but_its_images_on_the_model_are(play) -> None:
    async def scenario(desk) -> None:
        it = desk(ONE_SECOND)
        await it.busy()
        job = it.ask(b"a", b"b")
        job.decoded = {0: Future(), 1: Future()}
        it.scheduler._lanes.take(job, 1)  # the thread of the model would wait for this one
        it.scheduler.kill(job, expired())
        assert [decoding.cancelled() for decoding in job.decoded.values()] == [False, True]
        assert (await error_of(job)).status == 504

    play(scenario)


def test_who_is_killed_on_the_model_does_not_hurt_the_others_of_its_batch(play) -> None:
    async def scenario(desk) -> None:
        it = desk()
        job = await it.busy()
        it.scheduler.kill(job, expired())
        it.model.let_go()
        assert (await error_of(job)).status == 504
        await it.ask(b"next").done
        it.scheduler.kill(job, expired())  # dies once only

    play(scenario)


def test_people_come_before_batch_jobs(play) -> None:
    async def scenario(desk) -> None:
        it = desk(ONE_SECOND)
        await it.busy()
        jobs = [it.ask(b"bulk", lane=BULK), it.ask(b"first"), it.ask(b"second")]
        it.model.let_go()
        await asyncio.gather(*(job.done for job in jobs))
        assert it.model.batches == [[b"busy"], [b"first"], [b"second"], [b"bulk"]]

    play(scenario)


def test_a_batch_job_does_not_make_people_wait_and_waits_for_them(play) -> None:
    async def scenario(desk) -> None:
        it = desk(ONE_SECOND)
        await it.busy()
        before = it.refusal(b"late").retry_after
        for _ in range(20):
            it.ask(b"bulk", lane=BULK)
        assert it.refusal(b"late").retry_after == before
        assert it.refusal(b"late", lane=BULK, within=SOON).retry_after >= before + 20

    play(scenario)


@pytest.mark.parametrize("decoders", [0, 1, 3])
def test_a_photo_is_not_decoded_behind_those_of_batch_jobs(play, decoders: int) -> None:
    async def scenario(desk) -> None:
        it = desk(decoders=decoders)
        go, preprocess = threading.Event(), it.model.preprocess
        it.model.preprocess = lambda image: (image != b"bulk" or go.wait(10)) and preprocess(image)
        await it.busy()
        jobs = [it.ask(*[b"bulk"] * 8, lane=BULK) for _ in range(4)]
        person = it.ask(b"person")
        it.model.let_go()
        await person.done
        assert b"bulk" not in it.model.decoded
        go.set()
        await asyncio.gather(*(job.done for job in jobs))
        assert [len(batch) for batch in it.model.batches[2:]] == [4] * 8

    play(scenario)


def test_slow_batches_of_jobs_teach_nothing_about_people(play) -> None:
    async def scenario(desk) -> None:
        it = desk({1: 1e-6})
        before = it.version.costs.expected(1)
        await it.ask(b"a", b"b", lane=BULK).done
        assert it.version.costs.expected(1) == before
        assert it.version.bulk_costs.expected(1) > before
        await it.ask(b"a").done
        assert it.version.costs.expected(1) > before

    play(scenario)


@pytest.mark.parametrize(("lane", "sizes"), [(BULK, [1, 1, 1, 1]), (INTERACTIVE, [4])])
def test_a_batch_of_a_job_is_short_since_people_wait_for_it(play, lane: int, sizes: list[int]) -> None:
    async def scenario(desk) -> None:
        it = desk({1: 0.5, 4: 1.0})
        it.version.bulk_costs.observe = lambda *_: None  # it does not get any quicker
        await it.busy()
        job = it.ask(b"a", b"b", b"c", b"d", lane=lane)
        it.model.let_go()
        await job.done
        assert [len(batch) for batch in it.model.batches] == [1, *sizes]

    play(scenario)


def test_the_photos_of_a_batch_job_are_decoded_side_by_side(play) -> None:
    async def scenario(desk) -> None:
        it = desk(decoders=4)
        together, preprocess = threading.Barrier(4), it.model.preprocess
        it.model.preprocess = lambda image: together.wait(10) is not None and preprocess(image)
        job = it.ask(b"a", b"b", b"c", b"d", lane=BULK)
        await job.done
        assert index(job) == [97, 98, 99, 100]

    play(scenario)


def test_batches_are_made_at_once_of_what_is_there_and_in_the_given_sizes_only(play) -> None:
    async def scenario(desk) -> None:
        it = desk({1: 1e-6, 2: 1.5e-6, 4: 2e-6})
        await it.busy()
        jobs = [it.ask(bytes([number])) for number in range(65, 72)]
        it.model.let_go()
        await asyncio.gather(*(job.done for job in jobs))
        assert [len(batch) for batch in it.model.batches] == [1, 4, 2, 1]
        assert [index(job) for job in jobs] == [[number] for number in range(65, 72)]

    play(scenario)


def test_a_batch_is_not_made_so_large_that_its_first_request_would_be_late(play) -> None:
    async def scenario(desk) -> None:
        it = desk({1: 1.0, 4: 2.0})
        await it.busy()
        jobs = [it.ask(bytes([number])) for number in range(65, 69)]
        jobs[2].deadline = monotonic() + 1.9
        it.model.let_go()
        await asyncio.gather(*(job.done for job in jobs))
        assert [len(batch) for batch in it.model.batches] == [1, 1, 1, 1, 1]

    play(scenario)


def test_a_large_request_is_answered_as_one(play) -> None:
    async def scenario(desk) -> None:
        it = desk()
        job = it.ask(*(bytes([number]) for number in range(65, 75)))
        await job.done
        assert index(job) == list(range(65, 75))
        assert [len(batch) for batch in it.model.batches] == [4, 4, 2]

    play(scenario)


def test_each_failing_image_of_a_batch_fails_alone(play) -> None:
    async def scenario(desk) -> None:
        it = desk()
        await it.busy()
        jobs = [it.ask(image) for image in (b"a", POISON, UNREADABLE, NAN)]
        it.model.let_go()
        await asyncio.gather(*(job.done for job in jobs))
        assert [index(job) for job in jobs] == [[97], [500], [422], [422]]

    play(scenario)


def test_only_whole_batches_teach_what_a_batch_costs(play) -> None:
    async def scenario(desk) -> None:
        it = desk({1: 5.0})
        before = it.version.costs.expected(1)
        await it.ask(UNREADABLE).done
        assert it.version.costs.expected(1) == before
        await it.ask(b"a").done
        assert it.version.costs.expected(1) < before

    play(scenario)


def test_every_batch_is_noted(play) -> None:
    async def scenario(desk) -> None:
        it = desk()
        await it.ask(b"a", b"b").done
        noted = asyncio.Event()
        it.told.side_effect = lambda _: noted.set()
        await noted.wait()  # after the answer
        [[outcome]] = [call.args for call in it.told.call_args_list]
        assert isinstance(outcome, Outcome)
        assert it.version.statistics.inferences == 2

    play(scenario)


def test_failures_in_a_row_mean_that_the_model_is_broken_until_it_answers_again(play) -> None:
    async def scenario(desk) -> None:
        it = desk()
        it.model.broken = True
        for number in range(module.FAILURES):
            assert not it.scheduler.fails, number
            await it.ask(b"a").done
        assert it.scheduler.fails
        it.model.broken = False
        await it.ask(b"a").done
        assert not it.scheduler.fails

    play(scenario)


def test_unreadable_images_in_a_row_mean_nothing(play) -> None:
    async def scenario(desk) -> None:
        it = desk()
        for _ in range(module.FAILURES):
            await it.ask(UNREADABLE).done
        assert not it.scheduler.fails

    play(scenario)


def test_a_model_that_does_not_come_back_hangs(play, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(desk) -> None:
        it = desk()
        assert not it.scheduler.hangs
        await it.busy()
        assert not it.scheduler.hangs, "half a minute is not over"
        monkeypatch.setattr(running, "HANG_S", 0.0)
        assert it.scheduler.hangs
        it.model.let_go()
        await it.ask(b"next").done
        assert not it.scheduler.hangs

    play(scenario)


def test_the_thread_survives_our_own_mistakes(play, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(desk) -> None:
        it = desk()
        infer, it.model.infer = it.model.infer, Mock(side_effect=RuntimeError("a bug"))
        job = it.ask(b"a")
        await job.done
        assert index(job) == [500]
        it.model.infer = infer
        await it.ask(b"b").done

    play(scenario)
    assert "a bug" in caplog.text


def test_closing_answers_what_was_admitted_before(play) -> None:
    async def scenario(desk) -> None:
        it = desk()
        await it.busy()
        job = it.ask(b"a")
        it.model.let_go()
        it.scheduler.close()  # returns when the thread has ended
        assert not it.scheduler._thread.is_alive()
        await job.done
        assert index(job) == [97]

    play(scenario)
