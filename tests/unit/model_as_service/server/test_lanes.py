"""The queue: people before batch jobs, in order of arrival, and what is dead costs nothing."""

from concurrent.futures import Future
from unittest.mock import Mock

from model_as_service.server.lanes import BULK, INTERACTIVE, Item, Job, Lanes
from model_as_service.server.repository import Version
from tests.unit.model_as_service.server.fakes import FakeModel, loaded

VERSION, OTHER = loaded(FakeModel()), loaded(FakeModel(version="2"))


def job(*images: bytes, lane: int = INTERACTIVE, version: Version = VERSION) -> Job:
    return Job(version, images or (b"x",), 0.0, 1.0, lane, Mock())


def lanes(*jobs: Job) -> Lanes:
    queue = Lanes()
    for each in jobs:
        queue.push(each)
    return queue


def names(items: list[Item]) -> list[bytes]:
    return [item.image for item in items]


def test_the_first_is_the_oldest_of_the_people_and_then_of_the_batch_jobs() -> None:
    bulk, first, second = job(lane=BULK), job(), job()
    queue = lanes(bulk, first, second)
    order = []
    while each := queue.first():
        order.append(each)
        queue.take(each, 1)
    assert order == [first, second, bulk]
    assert len(queue) == 0


def test_a_batch_takes_images_in_order_across_jobs_of_one_version_and_lane() -> None:
    first = job(b"a", b"b", b"c")
    queue = lanes(first, job(b"z", version=OTHER), job(b"d", b"e"), job(b"y", lane=BULK))
    assert len(queue) == 7
    assert names(queue.take(first, 4)) == [b"a", b"b", b"c", b"d"]
    assert (len(queue), queue.first().version) == (3, OTHER)  # type: ignore[union-attr]


def test_a_job_that_is_larger_than_a_batch_goes_on_where_it_was() -> None:
    first = job(b"a", b"b", b"c")
    queue = lanes(first)
    assert names(queue.take(first, 2)) == [b"a", b"b"]
    assert (queue.first(), first.waiting) == (first, 1)
    assert names(queue.take(first, 1)) == [b"c"]
    assert queue.first() is None


def test_who_is_ahead_of_a_newcomer() -> None:
    queue = lanes(job(b"a", b"b"), job(version=OTHER), job(lane=BULK))
    assert dict(queue.ahead(INTERACTIVE)) == {VERSION: 2, OTHER: 1}
    assert list(queue.ahead(BULK)) == [(VERSION, 2), (OTHER, 1), (VERSION, 1)]


def test_a_dead_job_is_not_counted_and_not_taken_and_dies_once() -> None:
    first, second = job(b"a", b"b"), job(b"c")
    queue = lanes(first, second)
    queue.take(first, 1)
    for _ in range(2):
        queue.kill(first)
        assert (len(queue), queue.first(), first.waiting) == (1, second, 0)
    assert dict(queue.ahead(BULK)) == {VERSION: 1}


def test_a_job_that_a_batch_has_taken_whole_can_die_still() -> None:
    only = job(b"a")
    queue = lanes(only)
    queue.take(only, 1)
    queue.kill(only)
    assert (len(queue), queue.first(), list(queue.ahead(BULK))) == (0, None, [])


def test_dead_batch_jobs_do_not_stay_in_memory_while_people_keep_coming() -> None:
    queue = lanes(job())
    for _ in range(3):
        dead = job(lane=BULK)
        queue.push(dead)
        queue.kill(dead)
        assert queue.first() is not None
    assert list(queue._lanes[BULK]) == []


def test_what_has_been_unloaded_is_not_remembered() -> None:
    queue = lanes(only := job(version=OTHER))
    queue.take(only, 1)
    assert all(OTHER not in counts for counts in queue._waiting)


def test_the_time_in_the_queue_is_without_the_decoding_ahead() -> None:
    only = job()
    only.begun, only.decode_s = 3.0, 1.0
    assert only.queue_s == 3.0
    only.decoded = [Future()]
    assert only.queue_s == 2.0
