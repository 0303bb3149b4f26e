"""The database, shared by all tables of the product and of model_in_db: SQLite in WAL mode, or PostgreSQL by URL."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Engine, MetaData, create_engine, event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.types import TypeDecorator

from webapp.settings import SettingsError

metadata = MetaData()

# WAL: readers never wait for the writer. The busy timeout comes first, since changing the mode takes a lock.
SQLITE_PRAGMAS = ("busy_timeout=5000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")


class UtcTime(TypeDecorator[datetime]):
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


def connect(url: str, *, pool_size: int = 8) -> Engine:
    """Make an engine for a SQLAlchemy URL; no connection is opened before the first query.

    Raises SettingsError for a URL that names no database that we speak.
    """
    try:
        engine = create_engine(url, pool_size=pool_size, pool_pre_ping=not url.startswith("sqlite"))
    except (ArgumentError, NoSuchModuleError, ImportError, TypeError) as error:
        raise SettingsError(
            f"SWEETSPOT_DATABASE_URL: cannot use {url!r} ({error}); "
            "write sqlite:////folder/file.db or postgresql://user@host/name"
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
    return engine


def _set_pragmas(connection: Any, _record: object) -> None:  # noqa: ANN401  (the driver's own connection)
    for pragma in SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
