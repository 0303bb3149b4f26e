"""Photos that kill the process that reads them: no server meets one, and the batch job outlives them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from model_in_db.predictor import StoredPredictor
from model_in_db.suspects import DEADLY
from tests.conftest import ROOT
from tests.e2e.test_sturdy import VARIANTS, running, workers
from tests.processes import wait_for
from tests.unit.imaging import bombs
from webapp.database import connect
from webapp.images import check_image
from webapp.photos import PhotoStore
from webapp.predictor import UnreadablePhoto

POISON = b"!!"
# Found ahead of the real one, whose place it gives back: a decoder with a fault that ends the process.
FAULTY_DECODER = f"""
import os, signal, sys

sys.path.remove(os.path.dirname(__file__))
del sys.modules["simplejpeg"]
import simplejpeg

real = simplejpeg.decode_jpeg_header

def read(encoded):
    if encoded.endswith({POISON!r}):
        os.kill(os.getpid(), signal.SIGSEGV)
    return real(encoded)

simplejpeg.decode_jpeg_header = read
"""


@pytest.fixture
def settings(models: Path, tmp_path: Path) -> dict[str, str]:
    faulty = tmp_path / "faulty"
    faulty.mkdir()
    (faulty / "simplejpeg.py").write_text(FAULTY_DECODER)
    (tmp_path / "live").write_text("1\n")
    env = os.environ | {
        "PYTHONPATH": str(faulty), "SWEETSPOT_DATA": str(tmp_path / "data"), "SWEETSPOT_MODELS": str(models),
        "SWEETSPOT_LIVE": str(tmp_path / "live"), "SWEETSPOT_DATABASE_URL": f"sqlite:///{tmp_path}/test.db",
    }  # fmt: skip
    subprocess.run(
        [sys.executable, "-m", "webapp", "seed", "--photos", "data/catalogue"], env=env, cwd=ROOT, check=True
    )
    return env


@pytest.fixture
def store(settings: dict[str, str], tmp_path: Path) -> Iterator[PhotoStore]:
    store = PhotoStore(tmp_path / "data" / "photos", connect(settings["SWEETSPOT_DATABASE_URL"]))
    yield store
    store.close()


@pytest.fixture
def poison(store: PhotoStore, jpeg: bytes) -> int:
    return store.add(check_image(jpeg + POISON), "poison").id


def precompute(settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "model_in_db.precompute"]
    return subprocess.run(argv, env=settings, cwd=ROOT, capture_output=True, text=True, check=False)


@contextmanager
def loop(settings: dict[str, str], seconds: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-m", "model_in_db.precompute", "--every", seconds]
    with log.open("wb") as file, subprocess.Popen(argv, env=settings, cwd=ROOT, stdout=file, stderr=file) as keeper:
        try:
            yield keeper
        finally:
            keeper.kill()


def answered(store: PhotoStore, photo_id: int) -> str:
    return StoredPredictor(store.database).predict(store.photo(photo_id)).labels[0].label


def test_the_next_run_passes_a_photo_over_that_killed_this_one(
    settings: dict[str, str], store: PhotoStore, poison: int
) -> None:
    assert precompute(settings).returncode == -signal.SIGSEGV
    second = precompute(settings)
    assert second.returncode == 0, second.stderr
    assert f"{poison} photos by" in second.stdout
    assert second.stderr == f"photo {poison} is passed over: {DEADLY} (SIGSEGV)\n"
    assert answered(store, 1)
    with pytest.raises(UnreadablePhoto, match=DEADLY):
        answered(store, poison)
    assert "nothing to score" in precompute(settings).stdout
    Path(settings["SWEETSPOT_LIVE"]).write_text("2\n")
    deployed = precompute(settings)
    assert (deployed.returncode, f"{poison} of them scored now" in deployed.stdout) == (0, True), (
        "of another model, too"
    )


def test_the_loop_goes_on_where_a_photo_kills_a_run(
    settings: dict[str, str], store: PhotoStore, poison: int, jpeg: bytes, tmp_path: Path
) -> None:
    log = tmp_path / "log"

    def said(text: str) -> None:
        assert text in log.read_text()

    with loop(settings, "0.5", log) as keeper:
        wait_for(lambda: said("the batch job was ended by SIGSEGV; it is started again"), process=keeper)
        wait_for(lambda: said(f"{poison} photos by"), process=keeper)
        later = store.add(check_image(jpeg), "later").id
        wait_for(lambda: said(f"{later} photos by"), process=keeper)
        assert answered(store, later) == "espresso"
        assert log.read_text().count("started again") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_whatever_ends_the_keeper_ends_the_job(settings: dict[str, str], tmp_path: Path, number: int) -> None:
    def one_child() -> psutil.Process:
        (child,) = psutil.Process(keeper.pid).children()
        return child

    def working() -> None:
        assert "photos by" in (tmp_path / "log").read_text()

    def gone() -> None:
        assert not job.is_running() or job.status() == psutil.STATUS_ZOMBIE

    with loop(settings, "30", tmp_path / "log") as keeper:
        wait_for(working, process=keeper)
        job = wait_for(one_child, (ValueError,), process=keeper)
        assert psutil.Process(keeper.pid).memory_info().rss < 25_000_000, "the keeper is small"
        keeper.send_signal(number)
        assert keeper.wait(5) == -number
        wait_for(gone, seconds=5)


def test_a_job_that_is_killed_is_started_again_and_one_that_ends_is_not(
    settings: dict[str, str], tmp_path: Path
) -> None:
    def child() -> psutil.Process:
        (found,) = psutil.Process(keeper.pid).children()
        assert "--lifeline" in found.cmdline()
        return found

    def another() -> None:
        assert child() != first

    with loop(settings, "0.2", tmp_path / "log") as keeper:
        first = wait_for(child, (ValueError, AssertionError, psutil.Error), process=keeper)
        first.kill()
        wait_for(another, (ValueError, AssertionError, psutil.Error), process=keeper)
    settings["SWEETSPOT_DATA"] = ""
    with loop(settings, "0.2", tmp_path / "log") as keeper:
        assert keeper.wait(30) == 1
    assert (tmp_path / "log").read_text().startswith("precompute: SWEETSPOT_DATA")


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_lossless_jpeg_ends_nobody(variant: str, catalogue: Path, tmp_path: Path) -> None:
    """Decoded at a fraction of its size, as any other large JPEG is, it would be written beyond the decoder's room."""
    with running(variant, tmp_path, catalogue) as stack:
        served = workers(stack)
        for size in ((2000, 1500), (1200, 1000)):
            content = {"data": bombs.lossless(*size), "headers": {"Content-Type": "image/jpeg"}}
            for path in ("/api/photos", "/api/predictions"):
                answer = requests.post(stack.base_url + path, timeout=60, **content)
                assert answer.status_code == (501 if (variant, path) == ("model_in_db", "/api/predictions") else 422)
                assert "a rare kind of JPEG" in answer.text or answer.status_code == 501
        assert workers(stack) == served
