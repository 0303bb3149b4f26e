"""The photo store: bytes in files, metadata in the database.

A file is named after the photo's id and version and never changes, so a reader that has just seen the old row can
still open its file: a replacement leaves the version before it in place and removes only what is older.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, String, Table, bindparam, insert, select, update
from sqlalchemy.engine import Row

from webapp.clock import utc_now
from webapp.database import Database, UtcTime, connect, metadata
from webapp.images import MEDIA_TYPES, CheckedImage
from webapp.predictor import Photo, PhotoInput, UnknownPhoto, UnreadablePhoto
from webapp.settings import Settings
from webapp.timing import stage

MAX_ID = 999_999_999  # nine digits: within the 31 bits that a column of ids holds on every database
SUFFIXES = {media_type: f".{name.lower()}" for name, media_type in MEDIA_TYPES.items()}

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


class PhotoStore:
    """Photos under one folder and one database. Unknown ids raise UnknownPhoto."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.database = database
        self._reader = database.reader
        self._folder = folder

    @classmethod
    def open(cls, settings: Settings) -> "PhotoStore":
        """Open the store of these settings; its tables are made by `python -m webapp seed`."""
        folder = settings.data / "photos"
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, connect(settings.database_url))

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
        """Return a photo's metadata and its bytes, of one and the same version; raises UnreadablePhoto too."""
        record = self.get(photo_id)
        try:
            return record, self.path(record).read_bytes()
        except OSError as error:
            if self.get(photo_id).version == record.version:
                raise UnreadablePhoto(f"The file of photo {photo_id} cannot be read.") from error
            return self.load(photo_id)  # replaced twice since its row was read

    def path(self, record: PhotoRecord) -> Path:
        """Return the file with the bytes as they were uploaded."""
        return self._file(record.id, record.version, SUFFIXES[record.media_type])

    def thumbnail(self, record: PhotoRecord) -> Path:
        """Return the file of a JPEG of at most 640 x 640 pixels."""
        return self._file(record.id, record.version, ".thumbnail")

    def add(self, image: CheckedImage, title: str) -> PhotoRecord:
        """Store a new photo; nothing of it is visible before all of it is stored."""
        now = utc_now()
        values = _values(image, now) | {"version": 1, "title": title, "created_at": now}
        return self._write(insert(photo_table).values(values), image)

    def replace(self, photo_id: int, image: CheckedImage) -> PhotoRecord:
        """Give a photo new bytes under the next version."""
        change = update(photo_table).where(photo_table.c.id == photo_id)
        record = self._write(change.values(_values(image, utc_now()) | {"version": photo_table.c.version + 1}), image)
        for old in self._folder.glob(f"{photo_id}-{record.version - 2}.*"):
            old.unlink(missing_ok=True)
        return record

    def close(self) -> None:
        """Close all pooled connections."""
        self.database.close()

    def ping(self) -> None:
        """Raise SQLAlchemyError where the database cannot be asked or has no photo table."""
        with self._reader.connect() as connection:
            connection.execute(_ANY)

    def _write(self, statement: Any, image: CheckedImage) -> PhotoRecord:  # noqa: ANN401  (an insert or an update)
        with stage("db"), self.database.writer.begin() as connection:
            row = connection.execute(statement.returning(photo_table)).first()
            if row is None:
                raise UnknownPhoto("There is no such photo.")
            record = _record(row)
            # The files come before the commit: whoever can see the row can open them.
            _write_file(self.path(record), image.content)
            _write_file(self.thumbnail(record), image.thumbnail)
        return record

    def _list(self, query: Any) -> list[PhotoRecord]:  # noqa: ANN401
        with stage("db"), self._reader.connect() as connection:
            return [_record(row) for row in connection.execute(query)]

    def _file(self, photo_id: int, version: int, suffix: str) -> Path:
        return self._folder / f"{photo_id}-{version}{suffix}"


# Built once: constructing a statement costs as much as running it.
_BY_ID = select(photo_table).where(photo_table.c.id == bindparam("photo_id"))
_ANY = select(photo_table.c.id).limit(1)


def _record(row: Row[Any]) -> PhotoRecord:
    return PhotoRecord(*tuple(row))


def _values(image: CheckedImage, now: datetime) -> dict[str, Any]:
    return {
        "media_type": image.media_type,
        "width": image.width,
        "height": image.height,
        "bytes": len(image.content),
        "updated_at": now,
    }


def _write_file(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_bytes(content)
    aside.replace(path)
