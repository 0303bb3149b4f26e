from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError

from webapp.database import connect, told
from webapp.photos import PhotoStore, photo_table
from webapp.settings import Settings, SettingsError

ODD = [
    "a?b",
    "a#b",
    "50%41",
    "C:d",
    "me@home",
    "a b",
    "it's",
    'say "x"',
    "{data}",
    "a&b=c",
    "*",
    "[x]",
    "\udcff",
    "a,b",
]


@pytest.mark.parametrize("name", ODD)
def test_the_database_lies_in_the_data_folder_whatever_that_is_called(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / name / "data"
    data.parent.mkdir()
    monkeypatch.setenv("SWEETSPOT_DATA", str(data))
    monkeypatch.delenv("SWEETSPOT_DATABASE_URL", raising=False)
    Settings.from_env().make_folder()
    store = PhotoStore.open(Settings.from_env())
    store.make()
    store.close()
    assert (data / "sweetspot.db").stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_database_url_stays_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEETSPOT_DATA", str(tmp_path))
    monkeypatch.setenv("SWEETSPOT_DATABASE_URL", f"sqlite:///{tmp_path}/mine.db?timeout=3")
    store = PhotoStore.open(Settings.from_env())
    store.make()
    store.close()
    assert (tmp_path / "mine.db").exists()


@pytest.mark.parametrize("url", ["postgresql://host:port/name", "postgresql://[::1/name", "sqlite://host/x"])
def test_a_url_with_a_mistake_inside_is_told_too(url: str) -> None:
    with pytest.raises(SettingsError, match="SWEETSPOT_DATABASE_URL: cannot use"):
        connect(url)


def test_what_a_database_says_is_one_line_without_statement_and_parameters(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    database = connect(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(SQLAlchemyError) as caught, database.writer.begin() as connection:
        connection.execute(insert(photo_table).values(title="my secret holiday"))
    database.close()
    assert told(caught.value) == "no such table: photo"
    assert "my secret holiday" not in str(caught.value)


def test_other_errors_are_told_in_their_first_line() -> None:
    assert told(OSError("first\nsecond")) == "first"
    assert told(ValueError()) == "ValueError"
