"""One run of the batch job as three steps on the database: score aside, publish, remove what nobody needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Select, delete, func, insert, literal, select, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError

from model_in_db.answers import Refusal, answers, read
from model_in_db.suspects import begin_note, deadly, note
from model_in_db.tables import CURRENT, GOING_BACK, prediction_table, published_table, set_table
from vision.classifier import Classifier
from webapp.clock import utc_now
from webapp.photos import PhotoStore, photo_table
from webapp.settings import SettingsError

BATCH = 16
KEPT_SETS = 3


class Overtaken(Exception):  # noqa: N818
    """Another run has published meanwhile; its answers are newer than these."""


@dataclass(frozen=True)
class Draft:
    """A set that is written but not published; `base` was the published set when it was begun, None if none was.

    `refused` are photos that disk or database did not give: they keep their published answer, and the next run tries
    again.
    """

    set_id: int
    base: int | None
    scored: int
    refused: Sequence[Refusal] = ()


@dataclass(frozen=True)
class Published:
    """What has just become visible."""

    set_id: int
    model_name: str
    model_version: str
    photos: int
    scored: int
    refused: Sequence[Refusal] = ()

    def __str__(self) -> str:
        """Say it in one line."""
        model = f"{self.model_name} {self.model_version}"
        return f"published set {self.set_id}: {self.photos} photos by {model}, {self.scored} of them scored now,"


@dataclass(frozen=True)
class Work:
    """The photos that need scoring, and the published set that answers for all others; None if there is none."""

    base: int | None
    photo_ids: Sequence[int]


def find_work(photos: PhotoStore, model_sha256: str) -> Work:
    """Find the photos that have no published answer by this model for their current version."""
    with photos.database.writer.connect() as connection:
        base = connection.scalar(select(published_table.c.set_id).where(published_table.c.name == CURRENT))
        return Work(base, connection.scalars(_needs_scoring(base, model_sha256)).all())


def score(photos: PhotoStore, classifier: Classifier) -> Draft | None:
    """Write a new set: new answers where photo or model changed, the published ones otherwise. None: nothing to do.

    Raises a Refusal where none of the photos can be read, and MemoryError: the same may be readable in the next run.
    """
    work = find_work(photos, classifier.sha256)
    todo = work.photo_ids
    if not todo:
        return None
    passed_over = deadly(photos, work.base, todo, classifier.input_size)
    batches = [todo[start : start + BATCH] for start in range(0, len(todo), BATCH)]
    with photos.database.writer.begin() as connection:
        set_id = connection.execute(
            insert(set_table)
            .values(
                model_name=classifier.name,
                model_version=classifier.version,
                model_sha256=classifier.sha256,
                provider=classifier.provider,
                started_at=utc_now(),
                previous=work.base,
            )
            .returning(set_table.c.id)
        ).scalar_one()
        begin_note(connection, set_id, batches[0])
    refused: list[Refusal] = []
    for batch, following in zip(batches, [*batches[1:], []], strict=True):
        rows = answers(list(read(photos, batch, passed_over, refused)), classifier, set_id)
        # A transaction for each batch: whoever uploads a photo meanwhile never waits long.
        with photos.database.writer.begin() as connection:
            if rows:
                connection.execute(insert(prediction_table), rows)
            note(connection, set_id, following)
    if len(refused) == len(todo):
        with photos.database.writer.begin() as connection:
            connection.execute(delete(set_table).where(set_table.c.id == set_id))
        raise refused[0]
    with photos.database.writer.begin() as connection:
        _keep_the_rest(connection, work.base, set_id)
    return Draft(set_id, work.base, len(todo) - len(refused), refused)


def publish(engine: Engine, draft: Draft, still_live: Callable[[], bool] = lambda: True) -> Published:
    """Move the pointer to the new set, if it still is where this run found it; then remove what is no longer kept.

    Raises Overtaken where another run has published meanwhile, or the draft's model is no longer the one that should be
    live: its version was read before the scoring, and a rollback may have come in between.
    """
    with engine.begin() as connection:
        if not _move_pointer(connection, draft.base, draft.set_id):
            raise Overtaken("another run has published meanwhile; this run's set is given up")
        if not still_live():  # asked while we hold the pointer: no rollback can move it now
            raise Overtaken("another version has gone live meanwhile; this run's set is given up")
        _forget_rollback(connection)
        connection.execute(update(set_table).where(set_table.c.id == draft.set_id).values(published_at=utc_now()))
        count = select(func.count()).where(prediction_table.c.set_id == draft.set_id).scalar_subquery()
        row = connection.execute(
            select(set_table.c.model_name, set_table.c.model_version, count).where(set_table.c.id == draft.set_id)
        ).one()
    _prune(engine, draft.set_id)
    return Published(draft.set_id, row[0], row[1], row[2], draft.scored, draft.refused)


@dataclass(frozen=True)
class RolledBack:
    """Where the pointer has been moved back to."""

    set_id: int
    model_version: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"published set {self.set_id} again, by model version {self.model_version}"


def roll_back(engine: Engine, check: Callable[[str], object] = lambda _version: None) -> RolledBack:
    """Publish the set that was published before the current one; raises SettingsError where none is left.

    `check` raises where the version of its model cannot be had: asked before anything moves, since nobody could finish
    a rollback to a model that is gone.

    The pointer and the file that says which model is live cannot change at one moment. So this transaction also notes
    that a rollback is under way, and whoever comes next finishes it: `unfinished`, the file, `finished`.
    """
    with engine.begin() as connection:
        chain = _chain(connection)
        if not chain:
            raise SettingsError("nothing is published yet, so there is nothing to go back to")
        if len(chain) == 1:
            raise SettingsError(f"set {chain[0].id} is the oldest that is kept; there is none before it")
        current, before = chain[:2]
        check(before.model_version)
        if not _move_pointer(connection, current.id, before.id):
            raise Overtaken("another run has published meanwhile; look, then roll back again")
        _forget_rollback(connection)
        connection.execute(insert(published_table).values(name=GOING_BACK, set_id=before.id))
    return RolledBack(before.id, before.model_version)


def unfinished(engine: Engine) -> RolledBack | None:
    """Return the rollback that has moved the pointer and was killed before it was finished, None if there is none."""
    columns = select(set_table.c.id, set_table.c.model_version).join(published_table)
    with engine.connect() as connection:
        row = connection.execute(columns.where(published_table.c.name == GOING_BACK)).first()
    return None if row is None else RolledBack(row.id, row.model_version)


def finished(engine: Engine) -> None:
    """Note that the rollback is finished."""
    with engine.begin() as connection:
        _forget_rollback(connection)


def published_version(engine: Engine) -> str | None:
    """Return the version of the model whose answers are published, None where none are."""
    with engine.connect() as connection:
        return next((row.model_version for row in _chain(connection)), None)


def _forget_rollback(connection: Connection) -> None:
    connection.execute(delete(published_table).where(published_table.c.name == GOING_BACK))


def _chain(connection: Connection) -> list[Row[Any, Any, Any]]:
    """Return id and model version of the published set, of the one that served before it, and so on while they last."""
    columns = select(set_table.c.id, set_table.c.model_version, set_table.c.previous)
    pointer = select(published_table.c.set_id).where(published_table.c.name == CURRENT)
    row = connection.execute(columns.where(set_table.c.id == pointer.scalar_subquery())).first()
    chain = []
    while row is not None:
        chain.append(row)
        row = connection.execute(columns.where(set_table.c.id == row.previous)).first()
    return chain


def _needs_scoring(base: int | None, sha256: str) -> Select[int]:
    """Select the photos without an answer in the published set that this model gave to this version of them.

    Its version stands in each row, too: a photo that the disk did not give to its run has kept an older answer.
    """
    answered = (
        select(literal(1))
        .select_from(prediction_table.join(set_table))
        .where(prediction_table.c.set_id == base, set_table.c.model_sha256 == sha256)
        .where(prediction_table.c.model_version == set_table.c.model_version)
        .where(prediction_table.c.photo_id == photo_table.c.id)
        .where(prediction_table.c.photo_version == photo_table.c.version)
    )
    return select(photo_table.c.id).where(~answered.exists()).order_by(photo_table.c.id)


def _keep_the_rest(connection: Connection, base: int | None, set_id: int) -> None:
    """Copy into the new set the published answers for all photos that were not scored now."""
    scored = select(prediction_table.c.photo_id).where(prediction_table.c.set_id == set_id)
    columns = [column for column in prediction_table.c if column.name != "set_id"]
    kept = select(literal(set_id), *columns).where(
        prediction_table.c.set_id == base, prediction_table.c.photo_id.not_in(scored)
    )
    connection.execute(insert(prediction_table).from_select(["set_id", *(c.name for c in columns)], kept))


def _move_pointer(connection: Connection, base: int | None, set_id: int) -> bool:
    """Compare and swap: point at the new set only if the pointer is still at `base`."""
    if base is None:  # the first set of all: two runs that both believe so collide on the primary key
        try:
            connection.execute(insert(published_table).values(name=CURRENT, set_id=set_id))
        except IntegrityError:
            return False
        return True
    here = update(published_table).where(published_table.c.name == CURRENT, published_table.c.set_id == base)
    return connection.execute(here.values(set_id=set_id)).rowcount == 1


def _prune(engine: Engine, current: int) -> None:
    """Remove all sets but the last three that served; a draft that was begun later than the current one stays."""
    with engine.begin() as connection:
        kept = [row.id for row in _chain(connection)[:KEPT_SETS]]
        connection.execute(delete(set_table).where(set_table.c.id.not_in(kept), set_table.c.id < current))
