"""Where predictions lie: sets that are written aside, and one pointer row that says which set is published.

    published ──► prediction_set ◄── prediction ──► photo
    (one row)     made from what      one answer
                  and when            for one photo

A reader follows the pointer, so it sees one set, whole, or the next one, whole; never a mix.
"""

from sqlalchemy import Column, ForeignKey, Integer, String, Table

from webapp.database import Json, UtcTime, metadata
from webapp.photos import PhotoStore, photo_table

CURRENT = "current"
GOING_BACK = "going back"  # a second row, while a rollback has moved the pointer and not yet said which model is live

set_table = Table(
    "prediction_set",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model_name", String(100), nullable=False),
    Column("model_version", String(20), nullable=False),
    Column("model_sha256", String(64), nullable=False),
    Column("provider", String(50), nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("published_at", UtcTime),  # NULL: never finished
    Column("previous", Integer),  # the set that was published when this one was begun; it may be gone by now
    sqlite_autoincrement=True,  # an abandoned set's id is never given again
)

prediction_table = Table(
    "prediction",
    metadata,
    Column("set_id", ForeignKey(set_table.c.id, ondelete="CASCADE"), primary_key=True),
    Column("photo_id", ForeignKey(photo_table.c.id), primary_key=True),
    Column("photo_version", Integer, nullable=False),
    Column("model_name", String(100), nullable=False),
    Column("model_version", String(20), nullable=False),
    Column("labels", Json),  # [[label, score] x 5], best first; NULL where the photo cannot be read
    Column("error", String(500)),
    Column("input_read_at", UtcTime, nullable=False),
    Column("predicted_at", UtcTime, nullable=False),
)

published_table = Table(
    "published",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("set_id", ForeignKey(set_table.c.id), nullable=False),
)

note_table = Table(
    "being_read",
    metadata,
    Column("set_id", ForeignKey(set_table.c.id, ondelete="CASCADE"), primary_key=True),
    Column("photo_ids", Json, nullable=False),  # [id, ...] that a run reads and has not answered yet
)


def make(photos: PhotoStore) -> None:
    """Make what is missing of these tables, beside those of the photos; SQLAlchemyError where there are none."""
    photos.ping()
    metadata.create_all(photos.database.writer, tables=[set_table, prediction_table, published_table, note_table])
