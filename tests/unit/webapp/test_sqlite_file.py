"""A database file that is away for a moment, or replaced: nobody writes into a file that is lost, and all heals."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, update
from sqlalchemy.exc import SQLAlchemyError

from model_in_db.tables import make
from tests.processes import wait_for
from webapp.database import connect
from webapp.images import check_image
from webapp.photos import PhotoStore, photo_table
from webapp.settings import Settings

PARTS = ("", "-wal", "-shm")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of a store in whose path is what would be something else in a URL."""
    return Settings(tmp_path / "data", URL.create("sqlite", database=str(tmp_path / "data" / "a?b%41.db")))


@pytest.fixture
def store(settings: Settings) -> Iterator[PhotoStore]:
    settings.make_folder()
    store = PhotoStore.open(settings)
    store.make()
    yield store
    store.close()


@pytest.fixture
def file(settings: Settings) -> Path:
    return settings.data / "a?b%41.db"


def move(file: Path, to: Path) -> None:
    for part in PARTS:
        path = Path(f"{file}{part}")
        if path.exists():
            path.rename(f"{to}{part}")


def backup(file: Path, to: Path) -> None:
    with sqlite3.connect(file) as source, sqlite3.connect(to) as target:
        source.backup(target)
    source.close()
    target.close()


def refused(store: PhotoStore, jpeg: bytes) -> None:
    with pytest.raises(SQLAlchemyError):
        store.add(check_image(jpeg), "lost")
    with pytest.raises(SQLAlchemyError):
        store.ping()


def test_opening_makes_no_database_and_no_folder(settings: Settings, jpeg: bytes) -> None:
    for there in (False, True):
        store = PhotoStore.open(settings)
        refused(store, jpeg)
        store.close()
        assert settings.data.exists() == there
        assert not there or list(settings.data.iterdir()) == []
        settings.make_folder()


def test_a_database_that_is_away_takes_nothing_and_is_the_same_when_it_is_back(
    store: PhotoStore, settings: Settings, file: Path, photo_id: int, jpeg: bytes, other_jpeg: bytes, tmp_path: Path
) -> None:
    move(file, tmp_path / "away")
    wait_for(lambda: refused(store, other_jpeg), (pytest.fail.Exception,))
    again = PhotoStore.open(settings)
    refused(again, other_jpeg)
    again.close()
    assert not file.exists()
    move(tmp_path / "away", file)
    assert store.load(photo_id)[1] == jpeg
    assert store.add(check_image(other_jpeg), "new").id == photo_id + 1


def test_a_database_that_was_restored_meets_no_file_of_what_it_forgot(
    store: PhotoStore, file: Path, photo_id: int, jpeg: bytes, other_jpeg: bytes, tmp_path: Path
) -> None:
    backup(file, tmp_path / "backup")
    forgotten = store.add(check_image(jpeg), "forgotten")
    newer = store.replace(photo_id, check_image(jpeg))
    move(file, tmp_path / "damaged")
    (tmp_path / "backup").rename(file)

    new = store.add(check_image(other_jpeg), "new")
    assert (new.id, store.load(new.id)[1]) == (forgotten.id, other_jpeg)
    assert store.path(forgotten).read_bytes() == jpeg, "nobody knows whose that is"
    replaced = store.replace(photo_id, check_image(other_jpeg))
    assert (replaced.version, store.load(photo_id)[1]) == (newer.version, other_jpeg)


def test_nothing_is_committed_to_a_database_that_was_replaced_meanwhile(
    store: PhotoStore, file: Path, photo_id: int, tmp_path: Path
) -> None:
    backup(file, tmp_path / "backup")

    def write() -> None:
        with store.database.writer.begin() as connection:
            connection.execute(update(photo_table).values(title="lost"))
            (tmp_path / "backup").rename(file)

    with pytest.raises(SQLAlchemyError, match="another one"):
        write()
    wait_for(lambda: titled(store, photo_id, "Coffee"))


def titled(store: PhotoStore, photo_id: int, title: str) -> None:
    assert store.get(photo_id).title == title


def test_the_photos_of_another_database_are_neither_served_nor_touched(
    store: PhotoStore, photo_id: int, jpeg: bytes, other_jpeg: bytes, tmp_path: Path
) -> None:
    other = PhotoStore(tmp_path / "data" / "photos", connect(f"sqlite:///{tmp_path}/other.db"))
    other.make()
    assert other.add(check_image(other_jpeg), "other").id == photo_id
    assert (store.load(photo_id)[1], other.load(photo_id)[1]) == (jpeg, other_jpeg)
    (tmp_path / "data" / "photos" / other.get(photo_id).folder).rename(tmp_path / "away")
    with pytest.raises(OSError, match="is its disk mounted"):
        other.load(photo_id)
    other.close()


def test_a_photo_folder_that_is_not_mounted_takes_no_upload(
    store: PhotoStore, photo_id: int, jpeg: bytes, tmp_path: Path
) -> None:
    photos, away = tmp_path / "data" / "photos", tmp_path / "away"
    photos.rename(away)
    photos.mkdir()
    for ask in (store.load, store.load_thumbnail):
        with pytest.raises(OSError, match="is its disk mounted"):
            ask(photo_id)
    with pytest.raises(OSError, match="is its disk mounted"):
        store.add(check_image(jpeg), "lost")
    assert list(photos.iterdir()) == []
    photos.rmdir()
    away.rename(photos)
    assert store.load(photo_id)[1] == jpeg
    assert store.add(check_image(jpeg), "new").id == photo_id + 1


def test_tables_of_predictions_are_made_only_beside_those_of_photos(tmp_path: Path) -> None:
    file = tmp_path / "empty.db"
    file.touch()
    empty = PhotoStore(tmp_path, connect(f"sqlite:///{file}"))
    with pytest.raises(SQLAlchemyError, match="no such table: photo"):
        make(empty)
    empty.close()
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == []
    connection.close()
