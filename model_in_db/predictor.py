"""Answers from the database: one query, no model."""

from sqlalchemy import bindparam, select
from sqlalchemy.exc import SQLAlchemyError

from model_in_db.tables import CURRENT, prediction_table, published_table, set_table
from webapp.database import Database
from webapp.photos import photo_table
from webapp.predictor import (
    Label,
    Model,
    Photo,
    Prediction,
    PredictionPending,
    PredictorUnavailable,
    UnknownPhoto,
    UnreadablePhoto,
)
from webapp.timing import stage

# Photo, pointer and prediction in one query by primary keys; what is missing comes back as NULL.
_ANSWER = (
    select(prediction_table)
    .select_from(
        photo_table.outerjoin(published_table, published_table.c.name == CURRENT).outerjoin(
            prediction_table,
            (prediction_table.c.set_id == published_table.c.set_id) & (prediction_table.c.photo_id == photo_table.c.id),
        )
    )
    .where(photo_table.c.id == bindparam("photo_id"))
)
_MODEL = (
    select(set_table.c.model_name, set_table.c.model_version, set_table.c.provider)
    .join(published_table, published_table.c.set_id == set_table.c.id)
    .where(published_table.c.name == CURRENT)
)


class StoredPredictor:
    """Looks up what `precompute` has published."""

    def __init__(self, database: Database) -> None:
        self._reader = database.reader

    def predict(self, photo: Photo) -> Prediction:
        """Return the published answer.

        Raises UnknownPhoto, PredictionPending, UnreadablePhoto, PredictorUnavailable.
        """
        if photo.id is None:
            raise UnknownPhoto("Only stored photos have predictions here: they are computed ahead of time.")
        try:
            with stage("db"), self._reader.connect() as connection:
                row = connection.execute(_ANSWER, {"photo_id": photo.id}).first()
        except SQLAlchemyError as error:
            raise PredictorUnavailable("The database of predictions does not answer.") from error
        if row is None:
            raise UnknownPhoto(f"There is no photo {photo.id}.")
        if row.photo_id is None:
            raise PredictionPending(f"Photo {photo.id} has not been scored yet.")
        if row.labels is None:
            raise UnreadablePhoto(row.error)
        return Prediction(
            photo_id=photo.id,
            photo_version=row.photo_version,
            labels=tuple(Label(label, score) for label, score in row.labels),
            model_name=row.model_name,
            model_version=row.model_version,
            input_read_at=row.input_read_at,
            predicted_at=row.predicted_at,
            source="stored",
        )

    def ready(self) -> Model:
        """Name the model that made the published set; raises PredictorUnavailable where none is published."""
        try:
            with self._reader.connect() as connection:
                row = connection.execute(_MODEL).first()
        except SQLAlchemyError as error:
            raise PredictorUnavailable("The database of predictions does not answer.") from error
        if row is None:
            raise PredictorUnavailable("No predictions are published yet; run `python -m model_in_db.precompute`.")
        return Model(row.model_name, row.model_version, row.provider)

    def close(self) -> None:
        """Hold nothing: the connections are the photo store's."""
