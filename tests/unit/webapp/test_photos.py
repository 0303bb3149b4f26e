import pytest

from webapp.images import check_image
from webapp.photos import PhotoStore
from webapp.predictor import UnknownPhoto, UnreadablePhoto


def test_a_new_photo_is_readable_at_version_1(store: PhotoStore, photo_id: int, jpeg: bytes) -> None:
    photo = store.read(photo_id)
    assert (photo.content, photo.version) == (jpeg, 1)


def test_a_replacement_gets_the_next_version_and_its_own_bytes(
    store: PhotoStore, photo_id: int, other_jpeg: bytes
) -> None:
    before = store.get(photo_id)
    after = store.replace(photo_id, check_image(other_jpeg))
    assert (after.version, after.title, after.created_at) == (2, before.title, before.created_at)
    assert after.updated_at > before.updated_at
    assert store.read(photo_id).content == other_jpeg


def test_unknown_ids_raise(store: PhotoStore, jpeg: bytes) -> None:
    for ask in (store.get, store.read, lambda photo_id: store.replace(photo_id, check_image(jpeg))):
        with pytest.raises(UnknownPhoto):
            ask(12345)


def test_pages_go_through_all_photos_once_in_either_direction(store: PhotoStore, jpeg: bytes) -> None:
    image = check_image(jpeg)
    ids = [store.add(image, f"{number}").id for number in range(7)]
    forward, after = [], 0
    while page := store.after(after, 3):
        forward += [photo.id for photo in page]
        after = page[-1].id
    assert forward == ids
    assert [photo.id for photo in store.newest(None, 4)] == ids[:-5:-1]
    assert [photo.id for photo in store.newest(ids[3], 10)] == ids[2::-1]


def test_a_missing_file_is_an_error_and_no_endless_search(store: PhotoStore, photo_id: int) -> None:
    store.path(store.get(photo_id)).unlink()
    with pytest.raises(UnreadablePhoto, match="cannot be read"):
        store.load(photo_id)
