"""The photo store: bytes in files (`photo_files.py`), metadata in the database.

A photo's row names its files, which never change. A replacement removes the version before it: a
reader that has just seen the old row finds its file gone, and reads the row again.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

from sqlalchemy import Column, Connection, Integer, String, Table, bindparam, false, insert, select, text, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from webapp.clock import utc_now
from webapp.database import POOL_SIZE, Database, UtcTime, connect, metadata, told
from webapp.images import CheckedImage
from webapp.photo_files import FileGone, PhotoFiles
from webapp.predictor import Photo, PhotoInput, UnknownPhoto, UnreadablePhoto
from webapp.settings import Settings
from webapp.timing import stage
from webapp.writers import Writers

log = logging.getLogger(__name__)

MAX_ID = 999_999_999  # nine digits: within the 31 bits that a column of ids holds on every database

store_table = Table(
    "store",
    metadata,
    Column("id", Integer, primary_key=True),  # there is one row
    Column("folder", String(16), nullable=False),  # of this database's photos, and of no other's
)

photo_table = Table(
    "photo",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("title", String(200), nullable=False),
    Column("media_type", String(20), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("folder", String(16), nullable=False),
    Column("token", String(16), nullable=False),
)


@dataclass(frozen=True, slots=True)
class PhotoRecord:
    """The metadata of one photo; `version` counts its replacements from 1, sizes are in pixels and bytes."""

    id: int
    version: int
    title: str
    media_type: str
    width: int
    height: int
    bytes: int
    created_at: datetime
    updated_at: datetime
    folder: str
    token: str

    @property
    def file(self) -> str:
        """The name of its files, of this version only: no other database or write has ever had it."""
        return f"{self.folder}/{self.id}-{self.version}-{self.token}"


class PhotoStore:
    """Photos under one folder and one database.

    Unknown ids raise UnknownPhoto; OSError and SQLAlchemyError come through, and leave nothing half written. Busy says
    that as many threads write already as may: at most `writers`, so that some are left for readers.
    """

    def __init__(self, folder: Path, database: Database, writers: int = POOL_SIZE) -> None:
        self.database = database
        self._reader = database.reader
        self._files = PhotoFiles(folder)
        self._writers = Writers(writers)

    @classmethod
    def open(cls, settings: Settings) -> "PhotoStore":
        """Open the store of these settings and sweep it; `python -m webapp seed` makes its tables and its folder.

        Nothing else does: an empty folder in place of one that is away would say that all photos are gone.
        """
        store = cls(settings.data / "photos", connect(settings.database_url), settings.writers)
        store.sweep()
        return store

    def make(self) -> None:
        """Make what is missing of the store; its folder only where there are no photos yet."""
        self.database.make()
        with suppress(IntegrityError), self.database.writer.begin() as connection:  # it has its row
            connection.execute(insert(store_table).values(id=1, folder=token_hex(8)))
        if not self.newest(None, 1):
            with self._reader.connect() as connection:
                self._files.make(connection.execute(select(_FOLDER)).scalar_one())

    def get(self, photo_id: int) -> PhotoRecord:
        """Return a photo's metadata: one query by primary key."""
        with stage("db"), self._reader.connect() as connection:
            row = connection.execute(_BY_ID, {"photo_id": photo_id}).first()
        if row is None:
            raise UnknownPhoto(f"There is no photo {photo_id}.")
        return _record(row)

    def after(self, photo_id: int, limit: int) -> list[PhotoRecord]:
        """Return up to `limit` photos with a larger id, oldest first."""
        query = select(photo_table).where(photo_table.c.id > photo_id).order_by(photo_table.c.id)
        return self._list(query.limit(limit))

    def newest(self, before: int | None, limit: int) -> list[PhotoRecord]:
        """Return up to `limit` photos with an id below `before`, newest first."""
        query = select(photo_table).order_by(photo_table.c.id.desc()).limit(limit)
        return self._list(query if before is None else query.where(photo_table.c.id < before))

    def photo(self, photo_id: int) -> Photo:
        """Return the handle that a predictor takes; nothing is read yet."""
        return Photo(photo_id, lambda: self.read(photo_id))

    def read(self, photo_id: int) -> PhotoInput:
        """Read the current bytes of a photo; `read_at` is the moment before its row was read."""
        read_at = utc_now()
        record, content = self.load(photo_id)
        return PhotoInput(content, record.version, read_at)

    def load(self, photo_id: int) -> tuple[PhotoRecord, bytes]:
        """Return a photo's metadata and its bytes, of one and the same version.

        Raises UnreadablePhoto where the file is gone, and OSError where nobody can say now.
        """
        return self._load(photo_id, self.path)

    def load_thumbnail(self, photo_id: int) -> tuple[PhotoRecord, bytes]:
        """Return a photo's metadata and a JPEG of at most 640 x 640 pixels; raises like `load`."""
        return self._load(photo_id, self.thumbnail)

    def path(self, record: PhotoRecord) -> Path:
        """Return the file with the bytes as they were uploaded; it is gone when the photo is replaced."""
        return self._files.original(record.file, record.media_type)

    def thumbnail(self, record: PhotoRecord) -> Path:
        """Return the file of the thumbnail; it is gone when the photo is replaced."""
        return self._files.thumbnail(record.file)

    def add(self, image: CheckedImage, title: str) -> PhotoRecord:
        """Store a new photo; nothing of it is visible before all of it is stored."""
        now = utc_now()
        values = _values(image, now) | {"version": 1, "title": title, "created_at": now, "folder": _FOLDER}
        new = insert(photo_table).values(values).returning(photo_table)
        return self._write(image, lambda connection: (_record(connection.execute(new).one()), ""))

    def replace(self, photo_id: int, image: CheckedImage) -> PhotoRecord:
        """Give a photo new bytes under the next version."""

        def change(connection: Connection) -> tuple[PhotoRecord, str]:
            old = connection.execute(_TAKE, {"photo_id": photo_id}).first()
            if old is None:
                raise UnknownPhoto("There is no such photo.")
            values = _values(image, utc_now()) | {"version": old.version + 1}
            new = update(photo_table).where(photo_table.c.id == photo_id).values(values).returning(photo_table)
            return _record(connection.execute(new).one()), _record(old).file

        return self._write(image, change)

    def sweep(self) -> None:
        """Remove what failed and killed writes have left, beside any writer that lives; if it fails, the next will do.

        Only files of writes that were begun and not finished are judged, and only in this database's own folder.
        """
        try:
            left = list(self._files.unfinished())
            if left:
                with self.database.writer.begin() as connection:
                    _keep_writers_out(connection)
                    own = connection.scalar(select(_FOLDER))
                    for name, photo_id in left:
                        if name.startswith(f"{own}/"):
                            row = connection.execute(_BY_ID, {"photo_id": photo_id}).first()
                            self._files.settle(name, current=_record(row).file if row else None)
        except (OSError, SQLAlchemyError) as error:
            log.warning("files of unfinished uploads are left for the next start: %s", told(error))

    def close(self) -> None:
        """Close all pooled connections."""
        self.database.close()

    def ping(self) -> None:
        """Raise SQLAlchemyError where the database cannot be asked or has no photo table."""
        with self._reader.connect() as connection:
            connection.execute(_ANY)

    def _load(self, photo_id: int, file: Callable[[PhotoRecord], Path]) -> tuple[PhotoRecord, bytes]:
        record = self.get(photo_id)
        while True:
            try:
                return record, self._files.read(file(record))
            except OSError as error:
                seen, record = record, self.get(photo_id)
                if record.version == seen.version:
                    if isinstance(error, FileGone):
                        raise UnreadablePhoto(f"The file of photo {photo_id} is gone; it cannot be read.") from error
                    raise

    def _write(self, image: CheckedImage, change: Callable[[Connection], tuple[PhotoRecord, str]]) -> PhotoRecord:
        """Change a row and write its files; `change` returns the row, and the name of the files that it replaces."""
        record = None
        try:
            with self._writers.one(), stage("db"), self.database.writer.begin() as connection:
                record, replaced = change(connection)
                # The files come before the commit: whoever can see the row can open them.
                self._files.write(record.file, image, replaced)
        except (OSError, SQLAlchemyError):
            # A commit that fails may still have happened: the row decides, once no other writer is about.
            if record:
                self.sweep()
            raise
        self._files.settle(record.file, current=record.file)
        return record

    def _list(self, query: Any) -> list[PhotoRecord]:  # noqa: ANN401
        with stage("db"), self._reader.connect() as connection:
            return [_record(row) for row in connection.execute(query)]


# Built once: constructing a statement costs as much as running it.
_BY_ID = select(photo_table).where(photo_table.c.id == bindparam("photo_id"))
_ANY = select(photo_table.c.id).limit(1)
_FOLDER = select(store_table.c.folder).scalar_subquery()
# Returns a photo's row and lets nobody else change it until the transaction ends, on every database.
_TAKE = update(photo_table).where(photo_table.c.id == bindparam("photo_id"))
_TAKE = _TAKE.values(version=photo_table.c.version).returning(photo_table)


def _record(row: Row[Any]) -> PhotoRecord:
    return PhotoRecord(*tuple(row))


def _values(image: CheckedImage, now: datetime) -> dict[str, Any]:
    return {
        "media_type": image.media_type,
        "width": image.width,
        "height": image.height,
        "bytes": len(image.content),
        "updated_at": now,
        "token": token_hex(8),
    }


def _keep_writers_out(connection: Connection) -> None:
    """Wait until no photo is being written, and let none be until this transaction ends."""
    if connection.dialect.name == "sqlite":
        # There is one writer at a time: whoever changes something, be it nothing, is that one.
        connection.execute(update(photo_table).where(false()).values(version=0))
    else:
        connection.execute(text("LOCK TABLE photo IN SHARE MODE"))
