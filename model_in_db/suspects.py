"""Which photos a run is about to read, noted ahead: where one kills the run, the next one knows whom to suspect.

A run may also have been killed by somebody, so suspects are first read in a process of their own. Only what kills that,
too, is passed over. A note is one row for each run, written together with the answers of the batch before.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, insert, select, update

from model_in_db.answers import Input
from model_in_db.tables import note_table, prediction_table
from model_in_db.trial import killers
from vision.errors import UnreadableImage
from webapp.clock import utc_now
from webapp.console import say
from webapp.photos import PhotoStore
from webapp.predictor import PhotoInput

DEADLY = "reading it kills the process that does"


def begin_note(connection: Connection, set_id: int, photo_ids: Sequence[int]) -> None:
    """Note what a run reads first."""
    connection.execute(insert(note_table).values(set_id=set_id, photo_ids=list(photo_ids)))


def note(connection: Connection, set_id: int, photo_ids: Sequence[int]) -> None:
    """Note what a run reads next; nothing, where it has read all."""
    connection.execute(update(note_table).where(note_table.c.set_id == set_id).values(photo_ids=list(photo_ids)))


def deadly(photos: PhotoStore, base: int | None, todo: Sequence[int], size: int) -> dict[int, Input]:
    """Return those of the photos to score that kill their reader, and say so; `size` is what the model takes.

    Suspected are those that a run has noted and not answered, and those that were found deadly before: another version
    of the model may come with a better reader. Raises OSError where nobody can find out now.
    """
    suspects = [
        photos.get(photo_id) for photo_id in sorted(_suspected(photos.database.writer, base).intersection(todo))
    ]
    records = {photos.path(record): record for record in suspects}
    found = {}
    for path, name in killers(list(records), size).items():
        record = records[path]
        unread = PhotoInput(b"", record.version, utc_now())
        found[record.id] = Input(record.id, unread, UnreadableImage(DEADLY))
        say(f"photo {record.id} is passed over: {DEADLY} ({name})", err=True)
    return found


def _suspected(engine: Engine, base: int | None) -> set[int]:
    known = select(prediction_table.c.photo_id).where(
        prediction_table.c.set_id == base, prediction_table.c.error == DEADLY
    )
    with engine.connect() as connection:
        noted = connection.scalars(select(note_table.c.photo_ids)).all()
        return {photo_id for batch in noted for photo_id in batch}.union(connection.scalars(known))
