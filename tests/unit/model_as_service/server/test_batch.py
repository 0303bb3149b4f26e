"""One batch: whose fault it is gets the error, and everybody else an answer."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import pytest

from model_as_service.server.batch import Outcome, decode, run
from model_as_service.server.lanes import INTERACTIVE, Item, Job
from model_as_service.server.refused import Refused
from tests.unit.model_as_service.server.fakes import NAN, POISON, UNREADABLE, FakeModel, loaded


def jobs(model: FakeModel, images: Sequence[bytes]) -> list[Job]:
    version = loaded(model)
    return [Job(version, [image], 0.0, 1.0, INTERACTIVE, Mock()) for image in images]


def run_one_each(model: FakeModel, *images: bytes) -> Outcome:
    return run([Item(job, 0) for job in jobs(model, images)], Mock())


def said(outcome: Outcome) -> list[object]:
    """The status of each refusal, the class of each answer."""
    return [answer.status if isinstance(answer, Refused) else int(answer.argmax()) for answer in outcome.answers]


def test_each_image_gets_its_own_answer() -> None:
    model = FakeModel()
    outcome = run_one_each(model, b"a", b"b", b"c")
    assert said(outcome) == [97, 98, 99]
    assert (outcome.whole, outcome.answered, model.batches) == (True, True, [[b"a", b"b", b"c"]])


def test_an_unreadable_image_fails_alone_and_the_model_does_not_see_it() -> None:
    model = FakeModel()
    outcome = run_one_each(model, b"a", UNREADABLE, b"b")
    assert said(outcome) == [97, 422, 98]
    assert (outcome.whole, outcome.answered, model.batches) == (False, True, [[b"a", b"b"]])


def test_only_unreadable_images_say_nothing_about_the_model() -> None:
    model = FakeModel()
    outcome = run_one_each(model, UNREADABLE, UNREADABLE)
    assert (said(outcome), outcome.answered, model.batches) == ([422, 422], True, [])


def test_a_run_that_fails_is_repeated_image_by_image_once(caplog: pytest.LogCaptureFixture) -> None:
    model = FakeModel()
    outcome = run_one_each(model, b"a", POISON, b"b")
    assert said(outcome) == [97, 500, 98]
    assert model.batches == [[b"a", POISON, b"b"], [b"a"], [POISON], [b"b"]]
    assert (outcome.whole, outcome.answered) == (False, True)
    assert "secret" not in str(outcome.answers[1]), "what the library said is for the log"
    assert "secret" in caplog.text


def test_a_broken_model_answers_nothing() -> None:
    model = FakeModel()
    model.broken = True
    outcome = run_one_each(model, b"a", b"b")
    assert (said(outcome), outcome.answered) == ([500, 500], False)


def test_numbers_that_are_none_are_no_answer_for_that_image_alone() -> None:
    outcome = run_one_each(FakeModel(), b"a", NAN, b"b")
    assert said(outcome) == [97, 422, 98]
    assert "no answer" in str(outcome.answers[1])


def test_our_own_mistake_is_an_answer_without_details(caplog: pytest.LogCaptureFixture) -> None:
    model = FakeModel()
    model.preprocess = Mock(side_effect=RuntimeError("a secret"))  # type: ignore[method-assign]
    with caplog.at_level(logging.ERROR):
        outcome = run_one_each(model, b"a", b"b")
    assert (said(outcome), outcome.answered) == ([500, 500], False)
    assert "secret" not in str(outcome.answers[0])
    assert "a secret" in caplog.text


def test_images_that_were_decoded_ahead_are_not_decoded_again() -> None:
    model = FakeModel()
    first, second = jobs(model, [b"a", UNREADABLE])
    with ThreadPoolExecutor(1) as decoders:
        for job in (first, second):
            job.decoded = {0: decoders.submit(decode, model, job.images[0])}  # type: ignore[arg-type]
    outcome = run([Item(first, 0), Item(second, 0)], Mock())
    assert said(outcome) == [97, 422]
    assert model.decoded == [b"a", UNREADABLE]


def test_a_job_carries_the_times_of_its_batches() -> None:
    model = FakeModel()
    [job] = jobs(model, [b"a"])
    job.images = [b"a", b"b"]
    outcomes = [run([Item(job, 0)], Mock()), run([Item(job, 1)], Mock())]
    assert job.begun == outcomes[0].begun
    assert job.decode_s == sum(outcome.decode_s for outcome in outcomes)
    assert job.infer_s == sum(outcome.infer_s for outcome in outcomes)
    assert outcomes[0].seconds == outcomes[0].decode_s + outcomes[0].infer_s
