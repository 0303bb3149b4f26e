"""What a disk or a database does becomes an answer in words: reads go on, and nobody sees a traceback."""

import errno
import io
import os
import sqlite3
from pathlib import Path

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError, OperationalError

from tests.fakes import FakePredictor
from webapp.factory import create_app
from webapp.images import Busy
from webapp.photo_files import PhotoFiles
from webapp.photos import PhotoStore

FULL = [errno.ENOSPC, errno.EDQUOT, errno.EFBIG]
BROKEN = [errno.EROFS, errno.EACCES, errno.EIO, errno.EMFILE, errno.ENOENT, errno.ESTALE, errno.ETIMEDOUT]


@pytest.fixture
def client(store: PhotoStore) -> FlaskClient:
    return create_app(store, FakePredictor()).test_client()


def sqlite_error(code: int, words: str) -> DBAPIError:
    cause = sqlite3.OperationalError(words)
    cause.sqlite_errorcode = code
    return OperationalError("INSERT", {"title": "private"}, cause)


def uploads(client: FlaskClient, photo_id: int, jpeg: bytes) -> list[tuple[int, str, str | None]]:
    answers = [
        client.post("/api/photos", data=jpeg, content_type="image/jpeg"),
        client.put(f"/api/photos/{photo_id}", data=jpeg, content_type="image/jpeg"),
        client.post("/photos", data={"image": (io.BytesIO(jpeg), "cup.jpg")}),
    ]
    assert answers[2].status_code == 303 or "<form" in answers[2].text
    return [(answer.status_code, answer.text, answer.headers.get("Retry-After")) for answer in answers]


def test_uploads_are_refused_in_words_while_the_disk_refuses_and_reads_go_on(
    client: FlaskClient, photo_id: int, jpeg: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cases: list[tuple[Exception, int, str]] = [
        *((OSError(number, os.strerror(number)), 507, "no room") for number in FULL),
        *((OSError(number, os.strerror(number)), 503, os.strerror(number)) for number in BROKEN),
        (OSError("odd"), 503, "refuses"),
        (sqlite_error(sqlite3.SQLITE_FULL, "database or disk is full"), 507, "no room"),
        (sqlite_error(sqlite3.SQLITE_IOERR_WRITE, "disk I/O error"), 503, "database"),
        (sqlite_error(sqlite3.SQLITE_READONLY, "attempt to write a readonly database"), 503, "database"),
        (OperationalError("INSERT", {}, psycopg.errors.DiskFull("no space")), 507, "no room"),
        (OperationalError("INSERT", {}, psycopg.errors.AdminShutdown("bye")), 503, "database"),
    ]
    for error, status, words in cases:

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(PhotoFiles, "write", fail)
        for got, text, retry_after in uploads(client, photo_id, jpeg):
            assert (got, retry_after) == (status, "1" if status == 503 else None), error
            assert words in text
            assert "private" not in text
        for path in ("/", f"/photos/{photo_id}", f"/photos/{photo_id}/thumbnail", f"/api/photos/{photo_id}/image"):
            assert client.get(path).status_code == 200
    assert not [record for record in caplog.records if record.exc_info or "INSERT" in record.getMessage()]
    monkeypatch.undo()
    assert [status for status, _, _ in uploads(client, photo_id, jpeg)] == [201, 200, 303]


def test_an_upload_that_finds_the_decoder_busy_is_told_when_to_come_back(
    client: FlaskClient, photo_id: int, jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_content: bytes) -> None:
        raise Busy("Other large photos are being decoded.")

    monkeypatch.setattr("webapp.uploads.check_image", busy)
    for status, text, retry_after in uploads(client, photo_id, jpeg):
        assert (status, retry_after) == (503, "1")
        assert "Other large photos" in text


def test_a_photo_whose_files_are_gone_is_told_so_and_its_page_renders(
    client: FlaskClient, store: PhotoStore, photo_id: int
) -> None:
    record = store.get(photo_id)
    store.path(record).unlink()
    store.thumbnail(record).unlink()
    for path in (f"/photos/{photo_id}/thumbnail", f"/api/photos/{photo_id}/image"):
        answer = client.get(path)
        assert (answer.status_code, "cannot be read" in answer.text) == (422, True)
    for path in ("/", f"/photos/{photo_id}"):
        answer = client.get(path)
        assert (answer.status_code, "Coffee" in answer.text) == (200, True)


def test_what_the_disk_refuses_of_a_photo_is_no_fault_of_the_photo(
    client: FlaskClient, photo_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ["/photos/{}/thumbnail", "/api/photos/{}/image", "/api/photos/{}/prediction"]

    def refused(words: str) -> None:
        for path in files:
            answer = client.get(path.format(photo_id))
            assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "1"), path
            assert words in answer.text, path
        page = client.get(f"/photos/{photo_id}")
        assert (page.status_code, "No prediction can be had right now" in page.text, words in page.text) == (
            200,
            True,
            True,
        )

    photos, away = tmp_path / "photos", tmp_path / "away"
    photos.rename(away)
    refused("is its disk mounted?")
    photos.touch()
    refused("Not a directory")
    photos.unlink()
    away.rename(photos)
    for number in (errno.EIO, errno.EACCES, errno.EMFILE, errno.ESTALE):

        def refuse(*_: object, number: int = number) -> bytes:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(PhotoFiles, "read", refuse)
            refused(os.strerror(number))
    assert [client.get(path.format(photo_id)).status_code for path in files] == [200] * 3


def test_no_memory_is_no_fault_of_the_photo(
    client: FlaskClient, photo_id: int, jpeg: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none_left(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("imaging.decode.decode", none_left)
    for status, text, retry_after in uploads(client, photo_id, jpeg):
        assert (status, retry_after) == (503, "1")
        assert "not enough memory" in text
    monkeypatch.setattr(FakePredictor, "predict", none_left)
    answer = client.get(f"/api/photos/{photo_id}/prediction")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "1")
    page = client.get(f"/photos/{photo_id}")
    assert (page.status_code, "not enough memory" in page.text) == (200, True)
    assert not [record for record in caplog.records if record.exc_info]


HEADS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def test_every_answer_carries_what_protects_the_reader(client: FlaskClient, photo_id: int) -> None:
    good = ["/", f"/photos/{photo_id}", "/upload", f"/photos/{photo_id}/thumbnail", f"/api/photos/{photo_id}/image"]
    good += ["/static/style.css", "/static/icon.svg", "/livez", "/readyz", "/metrics", "/api/openapi.yaml"]
    bad = ["/nothing", "/api/nothing", "/static/nothing", "/api/photos?limit=0", "/photos/12345", "/api//photos"]
    for path in good + bad:
        with client.get(path) as answer:
            assert (answer.status_code == 200) == (path in good), path
            assert [(name, words) for name, words in HEADS.items() if words not in answer.headers.get(name, "")] == []
    for answer in (client.post("/api/photos", data=b"x", content_type="image/jpeg"), client.delete("/livez")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_no_page_needs_what_the_policy_forbids(client: FlaskClient, photo_id: int) -> None:
    for path in ("/", f"/photos/{photo_id}", "/upload", "/nothing"):
        page = client.get(path).text
        for forbidden in ("style=", "<style", "<script", "data:", "javascript:", "//", " onload"):
            assert forbidden not in page.replace("<!doctype html>", ""), path


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_HOST": "a b"},
        {"HTTP_HOST": "[::1"},
        {"HTTP_HOST": ""},
        {"HTTP_HOST": "\u00e9\u0000"},
        {"PATH_INFO": "/photos/\u00ff\u00fe"},
        {"PATH_INFO": "/api/photos/\x00"},
        {"PATH_INFO": ""},
        {"QUERY_STRING": "limit=%ff%fe&after=%00"},
        {"REQUEST_METHOD": "BREW"},
        {"HTTP_IF_NONE_MATCH": 'W/"' + "," * 1000},
        {"HTTP_IF_MODIFIED_SINCE": "Mon, 99 Jan 99999999 99:99:99 GMT"},
        {"HTTP_COOKIE": "=;=;\u00ff"},
        {"CONTENT_LENGTH": "-5"},
        {"CONTENT_LENGTH": "ten"},
    ],
)
@pytest.mark.parametrize("path", ["/api/photos", "/photos/1", "/photos/1/thumbnail", "/livez"])
def test_an_odd_request_is_no_error_of_ours(
    client: FlaskClient, photo_id: int, environ: dict[str, str], path: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.get(path, environ_overrides=environ)
    assert answer.status_code < 500
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("garbage", ["yesterday", "", 7, b"\xff"])
def test_a_row_whose_time_is_none_is_told_in_words(
    client: FlaskClient, store: PhotoStore, photo_id: int, jpeg: bytes, garbage: object
) -> None:
    if store.database.writer.dialect.name != "sqlite":
        return  # PostgreSQL takes no such value
    good = client.post("/api/photos", data=jpeg, content_type="image/jpeg").get_json()["id"]
    with store.database.writer.begin() as connection:
        connection.exec_driver_sql("UPDATE photo SET updated_at = ? WHERE id = ?", (garbage, photo_id))
    for path in (f"/api/photos/{photo_id}", f"/photos/{photo_id}", f"/api/photos/{photo_id}/image", "/", "/api/photos"):
        answer = client.get(path)
        assert answer.status_code == 503, path
        assert "cannot be read" in answer.text
    assert client.get(f"/api/photos/{good}").status_code == 200
