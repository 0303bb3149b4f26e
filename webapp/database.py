"""The database, shared by all tables of the product and of model_in_db: SQLite in WAL mode, or PostgreSQL by URL.

A file of SQLite that is away for a moment stays away: opening it makes no other in its place, and no connection to a
file that is not the one at that path any more is used. `sqlite_file.py` sees to both.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import JSON, URL, DateTime, Dialect, Engine, MetaData, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.types import TypeDecorator

from webapp.settings import SettingsError
from webapp.sqlite_file import SqliteFile

metadata = MetaData()
T = TypeVar("T")

POOL_SIZE = 8  # connections kept for each engine: more than a web worker has threads

# WAL: readers never wait for the writer. The busy timeout comes first, since changing the mode takes a lock.
# Who waits for another writer holds a web thread meanwhile, so that is not for long.
LOCK_MS = 2000
SQLITE_SETTINGS = (
    f"PRAGMA busy_timeout={LOCK_MS}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
)
POSTGRESQL_SETTINGS = (f"SET lock_timeout = {LOCK_MS}",)


class Damaged(SQLAlchemyError):  # noqa: N818  (the name is the state of the row, as with photos)
    """A value is not of its column's kind, which SQLite lets anybody write."""


class Checked(TypeDecorator[T]):
    """A type whose values are read from text; where a text is none, that is an error of the database: Damaged."""

    __abstract__ = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], T | None] | None:
        """Return what reads a value."""
        process = super().result_processor(dialect, coltype)
        if process is None:
            return None

        def checked(value: Any) -> T | None:  # noqa: ANN401  (the driver's own)
            try:
                return process(value)
            except (ValueError, TypeError, OverflowError, RecursionError) as error:
                raise Damaged(f"the database holds a value that is no {type(self).__name__}") from error

        return checked


class Json(Checked[Any]):
    """JSON, as SQLAlchemy has it."""

    impl = JSON
    cache_ok = True


class UtcTime(Checked[datetime]):
    """An aware UTC time on every database; SQLite stores no time zone, so it is taken off and put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Take the zone off where the database stores none."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Answer in UTC, whatever zone the database answers in."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Database:
    """Two engines on one database: `writer` in transactions, `reader` where each statement stands for itself."""

    writer: Engine
    reader: Engine
    file: SqliteFile | None = None

    def make(self) -> None:
        """Make the file where there is none, and the tables that are missing; OSError and SQLAlchemyError through."""
        if self.file:
            self.file.path.touch()
        metadata.create_all(self.writer)

    def close(self) -> None:
        """Close all pooled connections."""
        self.writer.dispose()
        self.reader.dispose()


def connect(url: str | URL) -> Database:
    """Name a database by its SQLAlchemy URL; no connection is opened before the first query.

    Raises SettingsError for a URL that names no database that we speak.
    """
    try:
        named = make_url(url)
        file = SqliteFile.of(named)
        # A reader needs neither BEGIN nor a ROLLBACK when its connection goes back: half of what a short query costs.
        reader = _engine(named, file, isolation_level="AUTOCOMMIT", pool_reset_on_return=None)
        database = Database(_engine(named, file), reader, file)
    except (ArgumentError, NoSuchModuleError, ImportError, TypeError, ValueError) as error:
        raise SettingsError(
            f"SWEETSPOT_DATABASE_URL: cannot use a URL that begins with {str(url).partition(':')[0]!r}; "
            "write sqlite:////folder/file.db or postgresql://user@host/name"
        ) from error
    if file:
        file.watch(database.writer, writes=True)
        file.watch(database.reader, writes=False)
    return database


def _engine(url: URL, file: SqliteFile | None, **options: Any) -> Engine:  # noqa: ANN401  (create_engine's own)
    ping = url.get_backend_name() != "sqlite"
    # What users wrote, such as titles, is no business of whoever reads an error in a log.
    engine = create_engine(
        file.url if file else url, pool_size=POOL_SIZE, pool_pre_ping=ping, hide_parameters=True, **options
    )
    event.listen(engine, "connect", _set_up)
    return engine


def _set_up(connection: Any, _record: object) -> None:  # noqa: ANN401  (the driver's own connection)
    sqlite = isinstance(connection, sqlite3.Connection)
    for statement in SQLITE_SETTINGS if sqlite else POSTGRESQL_SETTINGS:
        connection.execute(statement)
    connection.commit()


def told(error: Exception) -> str:
    """Return an error in one line: of the database what it said itself, without the statement and its parameters."""
    if isinstance(error, MemoryError):
        return "there is not enough memory"  # it has no words of its own
    said = getattr(error, "orig", None) or error if isinstance(error, SQLAlchemyError) else error
    return next(iter(str(said).splitlines()), "") or type(said).__name__
