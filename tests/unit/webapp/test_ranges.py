"""Parts of a photo by `Range`, as RFC 9110 has them, for every route that sends a file."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fakes import FakePredictor
from webapp.factory import create_app
from webapp.photos import PhotoStore

WHOLE = [
    "bytes=-1000000",  # more than there are: all
    "bytes=-99999999999999999999999999999",
    "bytes=0-",
    "bytes=0-99999999999999999999999999999",
    "BYTES=0-",
]
IGNORED = [
    "bytes=0-1,5-6", "bytes=0-1, 5-6", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=--5", "bytes=1", "0-5",
    "lines=0-5", "", "bytes=0x1-5", "bytes=+1-5", "bytes=1-5;", "bytes=" + "," * 1000, "bytes=\u00b2-5",
]  # fmt: skip
BEYOND = ["bytes=-0", "bytes=1000000-", "bytes=1000000-1000001", "bytes=" + "9" * 5000 + "-"]


class Client(FlaskClient):
    """Reads each answer to its end, as servers do, which closes files."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return super().open(*args, **kwargs, buffered=True)


@pytest.fixture
def client(store: PhotoStore) -> FlaskClient:
    return Client(create_app(store, FakePredictor()), use_cookies=False)


@pytest.fixture(params=["/api/photos/{}/image", "/photos/{}/thumbnail", "/static/style.css"])
def path(request: pytest.FixtureRequest, photo_id: int) -> str:
    return str(request.param).format(photo_id)


def test_one_range_is_a_part(client: FlaskClient, path: str) -> None:
    whole = client.get(path).data
    size = len(whole)
    cases = {
        "bytes=0-0": (0, 1),
        "bytes=5-9": (5, 10),
        "bytes=0005-09": (5, 10),
        f"bytes=10-{size * 2}": (10, size),
        f"bytes={size - 1}-": (size - 1, size),
        "bytes=-7": (size - 7, size),
        **dict.fromkeys(WHOLE, (0, size)),
    }
    for asked, (start, stop) in cases.items():
        answer = client.get(path, headers={"Range": asked})
        assert (answer.status_code, answer.data) == (206, whole[start:stop]), asked
        assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
        assert answer.content_length == stop - start


@pytest.mark.parametrize("asked", IGNORED)
def test_what_is_not_understood_gets_the_whole(client: FlaskClient, path: str, asked: str) -> None:
    answer = client.get(path, headers={"Range": asked})
    assert (answer.status_code, answer.data) == (200, client.get(path).data)
    assert "Content-Range" not in answer.headers


@pytest.mark.parametrize("asked", BEYOND)
def test_beyond_the_end_is_416_with_the_length(client: FlaskClient, path: str, asked: str) -> None:
    size = len(client.get(path).data)
    answer = client.get(path, headers={"Range": asked})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{size}")
    assert "requested range" in answer.text


def test_head_knows_no_ranges(client: FlaskClient, path: str) -> None:
    size = len(client.get(path).data)
    for asked in ("bytes=0-5", "bytes=-0", "bytes=1000000-"):
        answer = client.head(path, headers={"Range": asked})
        assert (answer.status_code, answer.data, answer.content_length) == (200, b"", size)
        assert answer.headers["Accept-Ranges"] == "bytes"


def test_a_part_of_another_version_is_not_sent(client: FlaskClient, path: str) -> None:
    etag = client.get(path).headers["ETag"]
    for condition, status in (
        (etag, 206),
        ('"other"', 200),
        (f"W/{etag}", 200),
        ("Mon, 01 Jan 2001 00:00:00 GMT", 200),
    ):
        answer = client.get(path, headers={"Range": "bytes=0-5", "If-Range": condition})
        assert answer.status_code == status, condition
    unchanged = client.get(path, headers={"Range": "bytes=0-5", "If-None-Match": etag})
    assert (unchanged.status_code, unchanged.data) == (304, b"")


BEYOND_TIME = [
    "Mon, 21 Oct 999999999999 07:28:00 GMT",
    "Mon, 21 Oct 2015 07:28:00 +99999999999999999999",
    "Mon, 21 Oct 2015 99999999999999999999:28:00 GMT",
    "Mon, 99999999999999999999 Oct 2015 07:28:00 GMT",
    "Mon, 21 Oct " + "9" * 5000 + " 07:28:00 GMT",
]
DATES = ["If-Modified-Since", "If-Unmodified-Since", "If-Range", "Date", "Range"]


@pytest.mark.parametrize("name", DATES)
@pytest.mark.parametrize("date", BEYOND_TIME)
def test_a_date_beyond_all_time_is_as_good_as_none(client: FlaskClient, path: str, name: str, date: str) -> None:
    whole = client.get(path).data
    for more in ({}, {"Range": "bytes=2-5"}):
        answer = client.get(path, headers={**more, name: date})
        part = more and name not in {"If-Range", "Range"}
        assert (answer.status_code, answer.data) == ((206, whole[2:6]) if part else (200, whole))


def test_an_answer_that_was_to_be_of_another_version_is_none(client: FlaskClient, path: str) -> None:
    etag = client.get(path).headers["ETag"]
    for condition in ('"other"', '"other", "another"', f"W/{etag}"):
        for more in ({}, {"Range": "bytes=0-5"}):
            answer = client.get(path, headers={**more, "If-Match": condition})
            assert (answer.status_code, "another version" in answer.text) == (412, True), condition
            assert "ETag" not in answer.headers
        assert client.head(path, headers={"If-Match": condition}).status_code == 412
    for condition in (etag, f'"other", {etag}', "*", " * "):
        answer = client.get(path, headers={"If-Match": condition})
        assert (answer.status_code, answer.data) == (200, client.get(path).data), condition
