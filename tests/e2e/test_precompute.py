"""The batch job as a process that is killed: whatever the moment, readers keep the published set."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from model_in_db.predictor import StoredPredictor
from model_in_db.tables import prediction_table
from tests.conftest import ROOT
from tests.processes import wait_for
from webapp.database import connect
from webapp.photos import PhotoStore


@pytest.fixture
def settings(database_url: str, models: Path, tmp_path: Path) -> dict[str, str]:
    return os.environ | {
        "SWEETSPOT_DATA": str(tmp_path / "data"),
        "SWEETSPOT_DATABASE_URL": database_url,
        "SWEETSPOT_MODELS": str(models),
        "SWEETSPOT_LIVE": str(tmp_path / "live"),
    }


def run(settings: dict[str, str], *command: str) -> str:
    argv = [sys.executable, "-m", *command]
    return subprocess.run(argv, check=True, env=settings, cwd=ROOT, capture_output=True, text=True).stdout


def test_a_run_that_is_killed_leaves_the_published_set(
    settings: dict[str, str], catalogue: Path, database_url: str, tmp_path: Path
) -> None:
    live = settings["SWEETSPOT_LIVE"]
    run(settings, "vision", "live", "1", "--file", live)
    run(settings, "webapp", "seed", "--photos", str(catalogue))
    assert "published set 1: 50 photos by efficientnet-lite 1" in run(settings, "model_in_db.precompute")
    run(settings, "vision", "live", "2", "--file", live)

    store = PhotoStore(tmp_path / "data" / "photos", connect(database_url))
    draft = select(func.count()).where(prediction_table.c.set_id > 1)

    def half_written() -> None:
        with store.database.reader.connect() as connection:
            assert connection.scalar(draft), "no row of the new set yet"

    with subprocess.Popen([sys.executable, "-m", "model_in_db.precompute"], env=settings, cwd=ROOT) as job:
        wait_for(half_written, process=job)
        job.kill()
    predictor = StoredPredictor(store.database)
    assert {predictor.predict(store.photo(number)).model_version for number in range(1, 51)} == {"1"}

    assert "50 photos by efficientnet-lite 2, 50 of them scored now" in run(settings, "model_in_db.precompute")
    assert {predictor.predict(store.photo(number)).model_version for number in range(1, 51)} == {"2"}
    assert "published set 1 again, by model version 1" in run(settings, "model_in_db.precompute", "--rollback")
    assert "nothing to score" in run(settings, "model_in_db.precompute"), "going back is not undone by the next run"
    assert predictor.predict(store.photo(1)).model_version == "1"
    store.close()


def test_a_setting_that_is_missing_is_one_line() -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith("SWEETSPOT_")}
    command = [sys.executable, "-m", "model_in_db.precompute"]
    done = subprocess.run(command, check=False, env=env, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("precompute: SWEETSPOT_LIVE is not set")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["model_in_db.precompute"], ["webapp", "seed", "--photos", "data/catalogue"]])
def test_what_the_database_says_is_one_line_without_the_statement(
    command: list[str], models: Path, tmp_path: Path
) -> None:
    (tmp_path / "live").write_text("1\n")
    with sqlite3.connect(tmp_path / "sweetspot.db") as other:
        other.executescript("CREATE TABLE photo (id INTEGER PRIMARY KEY, title TEXT)")  # somebody else's
    other.close()
    env = os.environ | {
        "SWEETSPOT_DATA": str(tmp_path), "SWEETSPOT_MODELS": str(models), "SWEETSPOT_LIVE": str(tmp_path / "live"),
    }  # fmt: skip
    env.pop("SWEETSPOT_DATABASE_URL", None)
    argv = [sys.executable, "-m", *command]
    done = subprocess.run(argv, check=False, env=env, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "no such column: photo.version" in done.stderr
    assert "SELECT" not in done.stderr
