"""Rolling back is one decision: killed at any moment, the next run finishes it, or everything is as it was."""

from pathlib import Path

import pytest

from model_in_db import precompute, scoring
from model_in_db.precompute import Job, go_back
from vision.live import read_live, write_live
from webapp.images import check_image
from webapp.photos import PhotoStore


class Killed(BaseException):
    """What a process feels of SIGKILL: nothing after it happens."""


@pytest.fixture
def job(store: PhotoStore, models: Path, photo_id: int, tmp_path: Path) -> Job:
    """Version 1 was published, then version 2."""
    made = Job(store, models, tmp_path / "live", "cpu")
    for version in ("1", "2"):
        write_live(made.live, version)
        assert made.run()
    return made


def served(job: Job) -> tuple[str | None, str]:
    return scoring.published_version(job.photos.database.writer), read_live(job.live)


def roll_back(job: Job) -> None:
    go_back(job.photos.database.writer, job.live)


def dies(*_: object) -> None:
    raise Killed


@pytest.mark.parametrize("step", ["roll_back", "write_live", "finished"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_before_or_after_any_step_it_is_finished_or_never_was(
    job: Job, monkeypatch: pytest.MonkeyPatch, step: str, *, after: bool
) -> None:
    real = getattr(precompute, step)

    def killed_here(*given: object) -> None:
        if after:
            real(*given)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(precompute, step, killed_here)
        with pytest.raises(Killed):
            roll_back(job)
    never_began = step == "roll_back" and not after
    assert job.run() is None, "nothing is scored, so nothing is published"
    assert served(job) == (("2", "2") if never_began else ("1", "1"))


def test_asked_again_after_it_was_killed_it_goes_back_once(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(precompute, "write_live", dies)
        with pytest.raises(Killed):
            roll_back(job)
    roll_back(job)
    assert served(job) == ("1", "1")


def test_a_deployment_that_failed_is_given_up(job: Job, store: PhotoStore, jpeg: bytes) -> None:
    roll_back(job)
    write_live(job.live, "2")  # and precompute was killed, or its model was not there
    roll_back(job)
    store.add(check_image(jpeg), "new")
    assert job.run()
    assert served(job) == ("1", "1")


def test_a_run_that_read_the_live_version_before_the_rollback_does_not_publish_it_after(
    job: Job, store: PhotoStore, jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rollback comes between reading the live version and looking at the published set."""
    real, gone_back = precompute.find_work, []

    def find_work(*given: object) -> scoring.Work:
        if not gone_back:
            gone_back.append(True)
            roll_back(job)
        return real(*given)  # type: ignore[arg-type]

    store.add(check_image(jpeg), "new")
    monkeypatch.setattr(precompute, "find_work", find_work)
    assert job.run()
    assert served(job) == ("1", "1")


def test_where_nothing_says_what_is_live_it_still_goes_back(job: Job) -> None:
    job.live.unlink()
    roll_back(job)
    assert served(job) == ("1", "1")
