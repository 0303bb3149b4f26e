"""Publishing predictions: no reader sees a mix, a run that dies changes nothing, the last three sets stay."""

import errno
import os
from pathlib import Path

import pytest
from sqlalchemy import func, select

from model_in_db import scoring
from model_in_db.predictor import StoredPredictor
from model_in_db.tables import prediction_table, published_table, set_table
from vision.classifier import Classifier
from webapp.database import Damaged
from webapp.images import check_image
from webapp.photo_files import PhotoFiles
from webapp.photos import PhotoStore
from webapp.predictor import PredictionPending, UnreadablePhoto
from webapp.settings import Settings, SettingsError


@pytest.fixture(scope="module")
def classifier_2(models) -> Classifier:
    return Classifier.load(models, "2")


def refresh(store: PhotoStore, classifier: Classifier) -> scoring.Published | None:
    draft = scoring.score(store, classifier)
    return scoring.publish(store.database.writer, draft) if draft else None


def pointer(store: PhotoStore) -> int | None:
    with store.database.writer.connect() as connection:
        return connection.scalar(select(published_table.c.set_id))


def ids(store: PhotoStore) -> list[int]:
    with store.database.writer.connect() as connection:
        return list(connection.scalars(select(set_table.c.id)))


def test_only_what_needs_scoring_is_scored(
    store: PhotoStore, classifier: Classifier, photo_id: int, jpeg: bytes, other_jpeg: bytes
) -> None:
    other = store.add(check_image(jpeg), "another").id
    first = refresh(store, classifier)
    assert first is not None
    assert (first.photos, first.scored) == (2, 2)
    assert refresh(store, classifier) is None, "nothing changed, nothing to publish"
    kept = StoredPredictor(store.database).predict(store.photo(other))

    store.replace(photo_id, check_image(other_jpeg))
    second = refresh(store, classifier)
    assert second is not None
    assert (second.photos, second.scored) == (2, 1)
    assert StoredPredictor(store.database).predict(store.photo(other)) == kept, "kept with the times it was made at"
    assert StoredPredictor(store.database).predict(store.photo(photo_id)).photo_version == 2


def test_another_model_scores_everything_again(
    store: PhotoStore, classifier: Classifier, classifier_2: Classifier, photo_id: int
) -> None:
    refresh(store, classifier)
    published = refresh(store, classifier_2)
    assert published is not None
    assert (published.model_version, published.scored) == ("2", 1)


def test_until_the_pointer_moves_readers_see_the_old_set(
    store: PhotoStore, classifier: Classifier, classifier_2: Classifier, photo_id: int, jpeg: bytes
) -> None:
    refresh(store, classifier)
    new = store.add(check_image(jpeg), "new").id
    draft = scoring.score(store, classifier_2)  # written whole, as by a run that is killed before it publishes
    predictor = StoredPredictor(store.database)
    assert predictor.predict(store.photo(photo_id)).model_version == "1"
    with pytest.raises(PredictionPending):
        predictor.predict(store.photo(new))
    assert draft is not None
    scoring.publish(store.database.writer, draft)
    assert {predictor.predict(store.photo(photo)).model_version for photo in (photo_id, new)} == {"2"}


def test_what_a_killed_run_left_behind_goes_with_the_next_one(
    store: PhotoStore, classifier: Classifier, classifier_2: Classifier, photo_id: int
) -> None:
    refresh(store, classifier)
    abandoned = scoring.score(store, classifier_2)
    published = refresh(store, classifier_2)
    assert abandoned is not None
    assert published is not None
    with store.database.writer.connect() as connection:
        sets = set(connection.scalars(select(set_table.c.id)))
        rows = connection.scalar(select(func.count()).where(prediction_table.c.set_id == abandoned.set_id))
    assert abandoned.set_id not in sets
    assert rows == 0


def test_of_two_runs_at_once_one_publishes_and_the_other_gives_up(
    store: PhotoStore, classifier: Classifier, classifier_2: Classifier, photo_id: int
) -> None:
    refresh(store, classifier)
    one = scoring.score(store, classifier_2)
    two = scoring.score(store, classifier_2)
    assert one is not None
    assert two is not None
    scoring.publish(store.database.writer, two)
    with pytest.raises(scoring.Overtaken):
        scoring.publish(store.database.writer, one)
    assert pointer(store) == two.set_id


def test_the_last_three_sets_stay_and_can_be_gone_back_to(
    store: PhotoStore, classifier: Classifier, classifier_2: Classifier, photo_id: int
) -> None:
    published = [refresh(store, model) for model in (classifier, classifier_2) * 3]
    ids = [done.set_id for done in published if done]
    with store.database.writer.connect() as connection:
        assert sorted(connection.scalars(select(set_table.c.id))) == ids[-3:]
    assert [scoring.roll_back(store.database.writer).set_id for _ in range(2)] == [ids[-2], ids[-3]]
    assert pointer(store) == ids[-3]
    with pytest.raises(SettingsError, match="oldest that is kept"):
        scoring.roll_back(store.database.writer)


def test_going_back_leads_to_the_set_that_served_before_and_not_to_one_that_was_withdrawn(
    store: PhotoStore, classifier: Classifier, classifier_2: Classifier, photo_id: int, jpeg: bytes
) -> None:
    first, withdrawn = refresh(store, classifier), refresh(store, classifier_2)
    assert first is not None
    assert withdrawn is not None
    scoring.roll_back(store.database.writer)
    store.add(check_image(jpeg), "new")
    refresh(store, classifier)
    assert scoring.roll_back(store.database.writer).set_id == first.set_id


def test_a_photo_whose_file_is_gone_harms_no_other(
    store: PhotoStore, classifier: Classifier, photo_id: int, jpeg: bytes
) -> None:
    good = store.add(check_image(jpeg), "good").id
    store.path(store.get(photo_id)).unlink()
    refresh(store, classifier)
    assert StoredPredictor(store.database).predict(store.photo(good)).labels[0].label == "espresso"


def test_nothing_published_is_nothing_to_go_back_to(store: PhotoStore) -> None:
    with pytest.raises(SettingsError, match="nothing is published"):
        scoring.roll_back(store.database.writer)


def test_a_photo_that_cannot_be_read_harms_no_other(
    store: PhotoStore, classifier: Classifier, photo_id: int, jpeg: bytes
) -> None:
    good = store.add(check_image(jpeg), "good").id
    store.path(store.get(photo_id)).write_bytes(jpeg[:1000])
    refresh(store, classifier)
    predictor = StoredPredictor(store.database)
    assert predictor.predict(store.photo(good)).labels[0].label == "espresso"
    with pytest.raises(UnreadablePhoto):
        predictor.predict(store.photo(photo_id))
    assert refresh(store, classifier) is None, "it is not tried again until it changes"


def answered(store: PhotoStore, photo_id: int) -> tuple[str, str]:
    prediction = StoredPredictor(store.database).predict(store.photo(photo_id))
    return prediction.model_version, prediction.labels[0].label


def test_photos_that_are_away_for_a_moment_are_scored_when_they_are_back(
    store: PhotoStore, classifier: Classifier, classifier_2: Classifier, photo_id: int, tmp_path: Path
) -> None:
    refresh(store, classifier)
    photos, away = tmp_path / "photos", tmp_path / "away"
    photos.rename(away)
    for put, gone in (
        (lambda: None, lambda: None),
        (photos.touch, photos.unlink),
    ):  # no folder, and a file in place of it
        put()
        with pytest.raises(OSError, match=r"is its disk mounted|Not a directory"):
            refresh(store, classifier_2)
        assert answered(store, photo_id) == ("1", "espresso"), "the published set stays"
        gone()
    away.rename(photos)
    refresh(store, classifier_2)
    assert answered(store, photo_id) == ("2", "espresso")


def test_starting_while_the_photos_are_away_makes_no_empty_folder_of_them(
    store: PhotoStore, database_url: str, photo_id: int, tmp_path: Path
) -> None:
    (tmp_path / "photos").rename(tmp_path / "away")
    again = PhotoStore.open(Settings(tmp_path, database_url))
    again.make()
    again.close()
    assert not (tmp_path / "photos").exists()
    with pytest.raises(FileNotFoundError):
        store.read(photo_id)


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ENOMEM])
def test_a_photo_that_the_disk_refuses_for_a_moment_is_scored_in_the_next_run(
    store: PhotoStore, classifier: Classifier, photo_id: int, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> bytes:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(PhotoFiles, "read", refuse)
        with pytest.raises(OSError, match=os.strerror(number)):
            refresh(store, classifier)
    assert pointer(store) is None
    refresh(store, classifier)
    assert answered(store, photo_id) == ("1", "espresso")


def test_a_photo_that_the_disk_refuses_for_good_keeps_nobody_from_being_published(
    store: PhotoStore,
    classifier: Classifier,
    classifier_2: Classifier,
    photo_id: int,
    jpeg: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refresh(store, classifier)
    good = store.add(check_image(jpeg), "good").id
    damaged, real = store.path(store.get(photo_id)), PhotoFiles.read

    def read(files: PhotoFiles, path: Path) -> bytes:
        if path == damaged:
            raise OSError(errno.EIO, "Input/output error")
        return real(files, path)

    with monkeypatch.context() as patch:
        patch.setattr(PhotoFiles, "read", read)
        published = refresh(store, classifier_2)
        assert published
        assert (published.scored, published.photos, len(published.refused)) == (1, 2, 1)
        assert answered(store, good) == ("2", "espresso")
        assert answered(store, photo_id) == ("1", "espresso"), "it keeps the answer that it has"
        sets = ids(store)
        with pytest.raises(OSError, match="Input/output error"):
            refresh(store, classifier_2)
        assert ids(store) == sets, "a run that scored nothing leaves nothing behind"
    published = refresh(store, classifier_2)
    assert published
    assert (published.scored, published.refused) == (1, [])
    assert answered(store, photo_id) == ("2", "espresso"), "and is scored once the disk gives it"


def test_a_row_that_cannot_be_read_keeps_no_other_from_being_published(
    store: PhotoStore, classifier: Classifier, photo_id: int, jpeg: bytes
) -> None:
    if store.database.writer.dialect.name != "sqlite":
        return  # PostgreSQL takes no such value
    good = store.add(check_image(jpeg), "good").id
    with store.database.writer.begin() as connection:
        connection.exec_driver_sql("UPDATE photo SET updated_at = 'yesterday' WHERE id = ?", (photo_id,))
    published = refresh(store, classifier)
    assert published
    assert (published.scored, len(published.refused)) == (1, 1)
    assert answered(store, good) == ("1", "espresso")
    with pytest.raises(Damaged):
        refresh(store, classifier)


def test_an_empty_folder_is_a_disk_that_is_not_mounted_and_wipes_no_answer(
    store: PhotoStore, classifier: Classifier, classifier_2: Classifier, photo_id: int, tmp_path: Path
) -> None:
    refresh(store, classifier)
    photos, away = tmp_path / "photos", tmp_path / "away"
    photos.rename(away)
    photos.mkdir()
    with pytest.raises(FileNotFoundError, match="away; is its disk mounted"):
        refresh(store, classifier_2)
    assert answered(store, photo_id) == ("1", "espresso")


def test_a_decoder_without_memory_fails_the_run_and_not_the_photo(
    store: PhotoStore, classifier: Classifier, photo_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("imaging.decode.decode", no_memory)
        with pytest.raises(MemoryError):
            refresh(store, classifier)
    refresh(store, classifier)
    assert answered(store, photo_id) == ("1", "espresso")


def test_of_a_photo_whose_file_is_gone_that_is_what_is_told(
    store: PhotoStore, classifier: Classifier, photo_id: int
) -> None:
    store.path(store.get(photo_id)).unlink()
    refresh(store, classifier)
    with pytest.raises(UnreadablePhoto, match="is gone"):
        StoredPredictor(store.database).predict(store.photo(photo_id))
