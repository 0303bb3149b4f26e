"""A photo that kills the run that reads it: the next one notices, passes it over, and publishes all others."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from model_in_db import scoring, suspects, trial
from model_in_db.predictor import StoredPredictor
from model_in_db.suspects import DEADLY
from model_in_db.trial import killers
from tests.conftest import ROOT
from tests.processes import wait_for
from vision.classifier import Classifier
from webapp.images import check_image
from webapp.photos import PhotoStore
from webapp.predictor import UnreadablePhoto


class Killed(BaseException):
    """What a process feels of a signal: nothing after it happens."""


@pytest.fixture(scope="module")
def classifier_2(models: Path) -> Classifier:
    return Classifier.load(models, "2")


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many photos were tried each time; those that end in !! kill."""
    trials: list[int] = []

    def find(files: list[Path], _size: int) -> dict[Path, str]:
        trials.append(len(files))
        return {file: "SIGSEGV" for file in files if file.read_bytes().endswith(b"!!")}

    monkeypatch.setattr(suspects, "killers", find)
    return trials


def refresh(store: PhotoStore, classifier: Classifier) -> scoring.Published | None:
    draft = scoring.score(store, classifier)
    return scoring.publish(store.database.writer, draft) if draft else None


def killed(store: PhotoStore, classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(classifier, "classify", dies)
        with pytest.raises(Killed):
            refresh(store, classifier)


def label(store: PhotoStore, photo_id: int) -> str:
    return StoredPredictor(store.database).predict(store.photo(photo_id)).labels[0].label


def test_the_next_run_passes_it_over_and_publishes_all_others(
    store: PhotoStore,
    classifier: Classifier,
    photo_id: int,
    jpeg: bytes,
    monkeypatch: pytest.MonkeyPatch,
    tried: list[int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    deadly = store.add(check_image(jpeg + b"!!"), "deadly").id
    killed(store, classifier, monkeypatch)
    published = refresh(store, classifier)
    assert published
    assert published.photos == 2
    assert label(store, photo_id) == "espresso"
    with pytest.raises(UnreadablePhoto, match=DEADLY):
        StoredPredictor(store.database).predict(store.photo(deadly))
    assert f"photo {deadly} is passed over: {DEADLY} (SIGSEGV)\n" in capsys.readouterr().err
    assert refresh(store, classifier) is None, "it is not tried again until it changes"
    store.replace(deadly, check_image(jpeg))
    assert refresh(store, classifier)
    assert label(store, deadly) == "espresso"


def test_another_model_tries_it_again_apart(
    store: PhotoStore,
    classifier: Classifier,
    classifier_2: Classifier,
    photo_id: int,
    jpeg: bytes,
    monkeypatch: pytest.MonkeyPatch,
    tried: list[int],
) -> None:
    store.add(check_image(jpeg + b"!!"), "deadly")
    killed(store, classifier, monkeypatch)
    refresh(store, classifier)
    assert tried[-1] == 2
    published = refresh(store, classifier_2)
    assert published
    assert published.photos == 2
    assert tried[-1] == 1


def test_who_was_killed_by_somebody_suspects_only_what_it_read(
    store: PhotoStore,
    classifier: Classifier,
    jpeg: bytes,
    photo_id: int,
    monkeypatch: pytest.MonkeyPatch,
    tried: list[int],
) -> None:
    for number in range(3):
        store.add(check_image(jpeg), f"photo {number}")
    monkeypatch.setattr(scoring, "BATCH", 3)
    killed(store, classifier, monkeypatch)
    published = refresh(store, classifier)
    assert published
    assert published.scored == 4
    assert tried == [0, 3]
    store.add(check_image(jpeg), "new")
    refresh(store, classifier)
    assert tried[-1] == 0, "a run that has published leaves no suspects"


@pytest.fixture
def lifeline() -> Iterator[int]:
    theirs, ours = os.pipe()
    yield theirs
    os.close(theirs)
    os.close(ours)


# What becomes of a photo that ends in the name of a signal; all others are read.
DIES = """
import os, signal, sys
from model_in_db import trial
def read(content, size):
    if content.startswith(b"SIG"):
        os.kill(os.getpid(), getattr(signal, content.decode()))
trial.preprocess = read
trial.main()
"""


def test_the_killers_are_told_from_the_innocent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    def run(argv: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        started.append(len(argv) - 4)
        return real([sys.executable, "-c", DIES, *argv[3:]], cwd=ROOT, **options)

    real = subprocess.run
    monkeypatch.setattr(trial.subprocess, "run", run)
    files = [tmp_path / name for name in "abcdefg"]
    for file in files:
        file.write_bytes(b"no photo")
    assert killers([*files, tmp_path / "gone"], 224) == {}
    assert started == [8], "all at once"
    files[1].write_text("SIGSEGV")
    files[6].write_text("SIGKILL")
    assert killers(files, 224) == {files[1]: "SIGSEGV", files[6]: "SIGKILL"}
    assert killers([], 224) == {}


def test_a_trial_reads_photos_of_all_kinds(jpeg: bytes, tmp_path: Path, lifeline: int) -> None:
    for name, content in (("good", jpeg), ("cut", jpeg[:500]), ("none", b"")):
        (tmp_path / name).write_bytes(content)
    argv = [sys.executable, "-m", "model_in_db.trial", "224", *tmp_path.iterdir(), tmp_path / "gone"]
    done = subprocess.run(argv, cwd=ROOT, stdin=lifeline, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_one_that_never_ends_is_as_bad_as_one_that_kills(tmp_path: Path, lifeline: int) -> None:
    (tmp_path / "photo").write_bytes(b"photo")
    program = (
        "import signal; from model_in_db import trial; trial.LONGEST_S = 1; "
        "trial.preprocess = lambda *_: signal.pause(); trial.main()"
    )
    argv = [sys.executable, "-c", program, "224", tmp_path / "photo"]
    assert subprocess.run(argv, cwd=ROOT, stdin=lifeline, check=False).returncode == -signal.SIGALRM


def test_a_trial_ends_with_the_run_that_started_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "endless")
    program = (
        "import sys; from pathlib import Path; from model_in_db.trial import killers; killers([Path(sys.argv[1])], 1)"
    )
    with subprocess.Popen([sys.executable, "-c", program, tmp_path / "endless"], cwd=ROOT) as run:
        [tried] = wait_for(lambda: children(run), process=run)
        run.kill()
    try:
        wait_for(lambda: gone(tried), seconds=10)
    finally:
        if tried.is_running():
            tried.kill()


def children(run: subprocess.Popen[bytes]) -> list[psutil.Process]:
    found = psutil.Process(run.pid).children()
    assert found
    return found


def gone(process: psutil.Process) -> None:
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
