"""While something else holds the database's lock, uploads are told so soon, and threads are left for readers."""

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.pool import ThreadPool
from pathlib import Path
from threading import Event

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fakes import FakePredictor
from tests.processes import wait_for
from webapp.factory import create_app
from webapp.images import Busy
from webapp.photos import PhotoStore
from webapp.settings import Settings, SettingsError
from webapp.writers import Writers


@contextmanager
def locked(store: PhotoStore) -> Iterator[None]:
    """Hold what writers wait for."""
    sqlite = store.database.writer.dialect.name == "sqlite"
    with store.database.reader.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if sqlite else "BEGIN; LOCK TABLE photo IN SHARE MODE")
        try:
            yield
        finally:
            connection.exec_driver_sql("ROLLBACK")


@pytest.fixture
def worker(store: PhotoStore, database_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    """As in a web worker with four threads."""
    own = PhotoStore.open(Settings(tmp_path, database_url, writers=2))
    yield create_app(own, FakePredictor()).test_client()
    own.close()


def upload(client: FlaskClient, jpeg: bytes) -> TestResponse:
    return client.application.test_client().post("/api/photos", data=jpeg, content_type="image/jpeg")


def test_a_lock_that_is_held_leaves_threads_for_readers(
    store: PhotoStore, worker: FlaskClient, photo_id: int, jpeg: bytes
) -> None:
    with ThreadPool(4) as threads:
        with locked(store):
            sent = [threads.apply_async(upload, (worker, jpeg)) for _ in range(12)]
            for path in ("/livez", "/", f"/photos/{photo_id}", f"/api/photos/{photo_id}/image", "/api/photos"):
                seen = threads.apply_async(worker.application.test_client().get, (path,))  # behind all that is waiting
                assert seen.get(30).status_code == 200
            assert sum(not one.ready() for one in sent) <= 2, "all others have been told"
            answers = [one.get(30) for one in sent]
        for answer in answers:
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert sum("something else keeps busy" in answer.text for answer in answers) >= 8
        assert upload(worker, jpeg).status_code == 201
    assert len(store.after(0, 20)) == 2


def test_a_writer_waits_for_the_lock_for_a_while(store: PhotoStore, worker: FlaskClient, jpeg: bytes) -> None:
    with ThreadPool(1) as thread:
        with locked(store):
            sent = thread.apply_async(upload, (worker, jpeg))
            wait_for(lambda: begun(worker))
        assert sent.get(30).status_code == 201


def begun(worker: FlaskClient) -> None:
    [_, photos] = worker.application.extensions["sweetspot"]
    assert photos._writers._begun


def test_uploads_at_once_all_get_their_turn(store: PhotoStore, worker: FlaskClient, jpeg: bytes) -> None:
    with ThreadPool(4) as threads:
        answers = threads.map(lambda _: upload(worker, jpeg).status_code, range(20))
    assert answers == [201] * 20


def test_one_too_many_waits_for_those_that_get_on() -> None:
    writers, leave = Writers(1), Event()

    def write(until: Event) -> None:
        with writers.one():
            until.wait()

    with ThreadPool(2) as threads:
        first = threads.apply_async(write, (leave,))
        wait_for(lambda: not_empty(writers))
        second = threads.apply_async(write, (leave,))
        leave.set()
        first.get(30)
        second.get(30)


def not_empty(writers: Writers) -> None:
    assert writers._begun


def test_a_write_that_fails_leaves_its_place() -> None:
    writers = Writers(1)
    for _ in range(3):
        with pytest.raises(OSError, match="full"), writers.one():
            raise OSError("full")


def test_nobody_waits_for_one_that_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("webapp.writers.monotonic", lambda: now[0])
    writers = Writers(1)
    with writers.one():
        now[0] += 10
        monkeypatch.setattr(writers._free, "acquire", lambda timeout: timeout > 0)
        with pytest.raises(Busy), writers.one():
            pass


@pytest.mark.parametrize(("threads", "writers"), [("", 2), ("1", 1), ("2", 1), ("3", 1), ("4", 2), ("16", 14)])
def test_two_threads_are_left_where_there_are_so_many(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, threads: str, writers: int
) -> None:
    monkeypatch.setenv("SWEETSPOT_DATA", str(tmp_path))
    monkeypatch.setenv("SWEETSPOT_WEB_THREADS", threads)
    assert Settings.from_env().writers == writers


@pytest.mark.parametrize("threads", ["0", "-1", "four", "1.5", "1025", "9" * 5000, "\u0664"])
def test_a_number_of_threads_that_is_none_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, threads: str
) -> None:
    monkeypatch.setenv("SWEETSPOT_DATA", str(tmp_path))
    monkeypatch.setenv("SWEETSPOT_WEB_THREADS", threads)
    with pytest.raises(SettingsError, match="SWEETSPOT_WEB_THREADS must be a whole number from 1"):
        Settings.from_env()
