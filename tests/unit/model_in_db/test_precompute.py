"""Rolling back is one decision: killed at any moment, the next run finishes it, or everything is as it was."""

import errno
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from model_in_db import precompute, scoring
from model_in_db.precompute import Job, go_back
from model_in_db.tables import set_table
from vision.errors import ModelError
from vision.live import read_live, write_live
from webapp.database import connect
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
    go_back(job.photos.database.writer, job.live, job.models)


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


def make_unknown(job: Job, version: str) -> None:
    with job.photos.database.writer.begin() as connection:
        connection.execute(update(set_table).where(set_table.c.model_version == version).values(model_version="77"))


def test_a_version_that_cannot_be_had_moves_nothing(job: Job) -> None:
    make_unknown(job, "1")
    with pytest.raises(ModelError, match="no model version '77'"):
        roll_back(job)
    assert served(job) == ("2", "2")
    assert job.run() is None


def test_a_version_whose_files_are_gone_moves_nothing(job: Job, tmp_path: Path) -> None:
    job.models = tmp_path
    with pytest.raises(ModelError, match="no model to load"):
        roll_back(job)
    assert served(job) == ("2", "2")


def test_killed_half_way_and_then_the_version_was_removed_it_is_given_up(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(precompute, "write_live", dies)
        with pytest.raises(Killed):
            roll_back(job)
    make_unknown(job, "1")
    assert job.run()
    assert "the rollback to set 1 is given up: no model version '77'" in capsys.readouterr().err
    assert served(job) == ("2", "2")


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


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("every", ["nan", "inf", "1e10", "1e300", "0"])
def test_a_period_that_is_none_is_wrong_usage(every: str) -> None:
    assert CliRunner().invoke(precompute.command, ["--every", every]).exit_code == 2


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_log_that_can_no_longer_be_written_ends_nothing(
    job: Job, store: PhotoStore, jpeg: bytes, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    """Every line of the loop is refused by the disk; the third run still happens, and its photo is scored."""
    runs: list[float] = []

    def next_run(_seconds: float) -> None:
        runs.append(1)
        if len(runs) == 2:
            job.live.write_text("2\n")
            store.add(check_image(jpeg), "new")
        if len(runs) == 3:
            raise Killed

    job.live.write_text("2\n" if stream == "stdout" else "none of ours\n")
    monkeypatch.setattr(precompute.time, "sleep", next_run)
    with Path("/dev/full").open("w", buffering=1) as full:
        monkeypatch.setattr(sys, stream, full)
        with pytest.raises(Killed):
            precompute.run_every(job, 1.0)
        monkeypatch.undo()
        with suppress(OSError):
            full.close()
    assert job.run() is None, "the third run has scored it"


@pytest.mark.parametrize("failure", [FULL, MemoryError(), ImportError("no descriptor left"), PermissionError()])
def test_whatever_ends_a_run_is_told_in_a_line_and_the_next_one_comes(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], failure: Exception
) -> None:
    outcomes: list[Exception | None] = [failure, failure, None]

    def run(_job: Job) -> None:
        if failed := outcomes.pop(0):
            raise failed

    def rest(_seconds: float) -> None:
        if not outcomes:
            raise Killed

    monkeypatch.setattr(Job, "run", run)
    monkeypatch.setattr(precompute.time, "sleep", rest)
    with pytest.raises(Killed):
        precompute.run_every(job, 1.0)
    said = capsys.readouterr()
    assert said.err.count("run failed, the published set stays: ") == said.err.count("\n") == 2
    assert "nothing to score" in said.out


def test_a_full_disk_under_its_output_does_not_fail_a_command(models: Path, tmp_path: Path) -> None:
    store = PhotoStore(tmp_path / "photos", connect(f"sqlite:///{tmp_path}/sweetspot.db"))
    store.make()
    store.close()
    (tmp_path / "live").write_text("1\n")
    settings = {"DATA": tmp_path, "MODELS": models, "LIVE": tmp_path / "live"}
    env = os.environ | {f"SWEETSPOT_{name}": str(value) for name, value in settings.items()}
    env.pop("SWEETSPOT_DATABASE_URL", None)
    argv = [sys.executable, "-m", "model_in_db.precompute"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(argv, env=env, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        ([], ""),
        ([OSError(errno.EIO, "broken")], "left for the next run: 1 photo that cannot be read now ([Errno 5] broken)\n"),
        ([OSError(errno.EIO, "broken"), PermissionError()], "left for the next run: 2 photos that"),
    ],
)
def test_a_run_that_could_not_read_every_photo_says_so_and_is_no_success(
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    refused: list[OSError],
    told: str,
) -> None:
    done = scoring.Published(3, "mobilenet", "2", 8, 5, refused)
    monkeypatch.setattr(Job, "run", lambda _job: done)
    assert precompute.run_once(job) == (not refused)
    said = capsys.readouterr()
    assert "published set 3: 8 photos" in said.out
    assert said.err.startswith(told)
