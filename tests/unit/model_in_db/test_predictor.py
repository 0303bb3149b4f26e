import pytest
from sqlalchemy import event

from model_in_db import scoring
from model_in_db.predictor import _ANSWER, StoredPredictor
from webapp.photos import PhotoStore
from webapp.predictor import PredictorUnavailable


def test_an_answer_takes_one_query(store: PhotoStore, classifier, photo_id: int) -> None:
    scoring.publish(store.database.writer, scoring.score(store, classifier))
    statements: list[str] = []
    event.listen(store.database.reader, "before_cursor_execute", lambda _c, _cur, sql, *_: statements.append(sql))
    StoredPredictor(store.database).predict(store.photo(photo_id))
    assert len(statements) == 1


def test_the_query_uses_an_index_for_every_table(store: PhotoStore, classifier, photo_id: int) -> None:
    if store.database.writer.dialect.name != "sqlite":
        return  # PostgreSQL reads a table of one page whole, whatever its indexes
    scoring.publish(store.database.writer, scoring.score(store, classifier))
    query = _ANSWER.compile(store.database.writer)
    values = query.construct_params({"photo_id": photo_id})
    with store.database.writer.connect() as connection:
        plan = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {query}", tuple(values[name] for name in query.positiontup)
        ).all()
    assert plan
    assert all("SEARCH" in step.detail for step in plan), plan


@pytest.mark.parametrize(("column", "garbage"), [("labels", "{"), ("labels", b"\xff"), ("predicted_at", "yesterday")])
def test_an_answer_that_cannot_be_read_is_none(
    store: PhotoStore, classifier, photo_id: int, column: str, garbage: object
) -> None:
    if store.database.writer.dialect.name != "sqlite":
        return  # PostgreSQL takes no such value
    scoring.publish(store.database.writer, scoring.score(store, classifier))
    with store.database.writer.begin() as connection:
        connection.exec_driver_sql(f"UPDATE prediction SET {column} = ?", (garbage,))  # noqa: S608
    with pytest.raises(PredictorUnavailable):
        StoredPredictor(store.database).predict(store.photo(photo_id))
