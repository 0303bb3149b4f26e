"""Uploads that are not what they should be: each is told what is wrong with it, and nothing is stored."""

import gzip
import io
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from gunicorn.http import errors
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import MultipartDecoder
from werkzeug.test import TestResponse

from tests.fakes import FakePredictor
from webapp.factory import create_app
from webapp.forms import MAX_HEAD, MAX_PARTS, take_apart
from webapp.images import MAX_BYTES
from webapp.photos import PhotoStore

EDGE = "edge"
DISPOSITION = b'Content-Disposition: form-data; name="image"; filename="'


class Broken(io.BytesIO):
    """A body whose server fails after its first bytes, as it sees fit."""

    def __init__(self, content: bytes, error: Exception) -> None:
        super().__init__(content)
        self.error = error

    def readinto(self, buffer: Any) -> int:
        return super().readinto(buffer) or self.fail()

    def read(self, size: int | None = -1) -> bytes:
        return super().read(size) or bytes(self.fail())

    def fail(self) -> int:
        raise self.error


class Client(FlaskClient):
    """Counts the uploads that were acknowledged."""

    acknowledged = 0

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        answer = super().open(*args, **kwargs)
        self.acknowledged += answer.status_code in {201, 303}
        return answer


@pytest.fixture
def client(store: PhotoStore) -> Iterator[FlaskClient]:
    """After each test exactly what was acknowledged is stored, and was never replaced."""
    client = Client(create_app(store, FakePredictor()), use_cookies=False)
    yield client
    assert [photo.version for photo in store.after(0, 10)] == [1] * client.acknowledged


def part(head: bytes, content: bytes) -> bytes:
    return b"--edge\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


def image_part(content: bytes, name: bytes = b"cup.jpg") -> bytes:
    return part(DISPOSITION + name + b'"', content)


def send(client: FlaskClient, body: bytes, content_type: str = f"multipart/form-data; boundary={EDGE}") -> TestResponse:
    return client.post("/photos", data=body, content_type=content_type)


def refused(answer: TestResponse, status: int, why: str) -> None:
    assert answer.status_code == status, answer.text
    assert why in answer.text
    assert "<form" in answer.text


def test_a_form_with_a_name_that_is_not_utf_8(client: FlaskClient, jpeg: bytes) -> None:
    for name in ("café.jpg".encode("latin-1"), "写真.jpg".encode("gb18030"), b"\xff\xfe"):
        refused(send(client, image_part(jpeg, name) + b"--edge--\r\n"), 400, "not UTF-8")


def test_a_form_with_too_many_parts_or_too_long_a_text(client: FlaskClient, jpeg: bytes) -> None:
    title = b'Content-Disposition: form-data; name="title"'
    for more in (part(title, b"x") * MAX_PARTS, part(title, b"x" * 600_000), part(title + b"; a=b" * 2000, b"x")):
        refused(send(client, more + image_part(jpeg) + b"--edge--\r\n"), 413, "too many parts or too long a text")


def test_the_longest_name_that_a_file_can_have_is_taken(client: FlaskClient, jpeg: bytes) -> None:
    for name in (b"%22" * 255, "写".encode() * 255):
        assert send(client, image_part(jpeg, name) + b"--edge--\r\n").status_code == 303


def test_what_is_read_of_heads_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    heads, parse = [], MultipartDecoder._parse_headers

    def counted(decoder: MultipartDecoder, head: bytes) -> Headers:
        heads.append(len(head))
        return parse(decoder, head)

    monkeypatch.setattr(MultipartDecoder, "_parse_headers", counted)
    for length in (MAX_HEAD // 2, 2 * MAX_HEAD, 400_000):
        head = b'Content-Disposition: form-data; name="title"; ' + b"a=b; " * (length // 5)
        with pytest.raises(RequestEntityTooLarge):
            take_apart(part(head, b"x") * (9_000_000 // length), EDGE)
    assert heads
    assert sum(heads) <= (MAX_PARTS + 1) * MAX_HEAD


def test_a_form_that_is_cut_short_or_broken(client: FlaskClient, jpeg: bytes) -> None:
    whole = image_part(jpeg) + b"--edge--\r\n"
    for end in (3, 20, 60, 90, len(whole) // 2, len(whole) - 5):
        refused(send(client, whole[:end]), 400, "broken or cut short")
    refused(send(client, b"no form at all"), 400, "broken or cut short")
    refused(send(client, part(b"X-Head: none", jpeg) + b"--edge--\r\n"), 400, "broken or cut short")
    refused(send(client, whole, "multipart/form-data"), 400, "broken or cut short")
    refused(send(client, whole, "multipart/form-data; boundary=other"), 400, "broken or cut short")
    refused(send(client, whole, "multipart/form-data; boundary=\u00e9dge"), 400, "broken or cut short")


def titled(content: bytes, kind: bytes = b"") -> bytes:
    return part(b'Content-Disposition: form-data; name="title"' + kind, content)


@pytest.mark.parametrize(
    ("content", "kind", "why"),
    [
        ("für".encode("latin-1"), b"", "field `title` is not UTF-8"),
        ("写真".encode("gb18030"), b"", "field `title` is not UTF-8"),
        ("für".encode("latin-1"), b"\r\nContent-Type: text/plain; charset=foo", "field `title` is not UTF-8"),
        ("für".encode(), b"\r\nContent-Type: text/plain; charset=us-ascii", "field `title` is not ASCII"),
    ],
)
def test_a_form_with_a_title_that_is_not_what_it_says(
    client: FlaskClient, jpeg: bytes, content: bytes, kind: bytes, why: str
) -> None:
    refused(send(client, titled(content, kind) + image_part(jpeg) + b"--edge--\r\n"), 400, why)


@pytest.mark.parametrize(
    ("content", "kind", "title"),
    [
        ("f\ufffdr".encode(), b"", "f\ufffdr"),
        ("für".encode("latin-1"), b"\r\nContent-Type: text/plain; charset=ISO-8859-1", "für"),
        ("für".encode(), b"\r\nContent-Type: text/plain; charset=UTF-8", "für"),
    ],
)
def test_a_form_with_a_title_in_a_charset(
    client: FlaskClient, store: PhotoStore, jpeg: bytes, content: bytes, kind: bytes, title: str
) -> None:
    assert send(client, image_part(jpeg) + titled(content, kind) + b"--edge--\r\n").status_code == 303
    assert store.get(1).title == title


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (b'Content-Disposition: form-data; name="image; filename="cup.jpg"', "has a filename that cannot be read"),
        (b'Content-Disposition: form-data; name="image"; filename="cup.jpg', "has a filename that cannot be read"),
        (b'Content-Disposition: form-data; name="image', "has a name that cannot be read"),
        (b"Content-Disposition: form-data; name=; filename=cup.jpg", "has a name that cannot be read"),
        (b'Content-Disposition: form-data; name=""; filename="cup.jpg"', "names no field"),
        (b"Content-Disposition: form-data", "names no field"),
        (b"Content-Disposition: ;;;===", "names no field"),
        (b"Content-Disposition:", "names no field"),
        (b"Content-Disposition", "names no field"),
        (DISPOSITION + b'cup.jpg"\r\nContent-Transfer-Encoding: base64', "is sent as &#39;base64&#39;"),
    ],
)
def test_a_form_with_a_part_that_is_broken(client: FlaskClient, jpeg: bytes, head: bytes, why: str) -> None:
    refused(send(client, part(head, jpeg) + b"--edge--\r\n"), 400, f"a part {why}")
    refused(send(client, part(head, b"x") + image_part(jpeg) + b"--edge--\r\n"), 400, f"a part {why}")


def test_a_form_that_its_boundary_does_not_divide(client: FlaskClient, jpeg: bytes) -> None:
    whole = image_part(jpeg) + b"--edge--\r\n"
    for body in (whole.replace(b"--edge", b"--other"), whole.replace(b"--edge\r", b"--other\r"), b"no form"):
        refused(send(client, body), 400, "it is not divided by the boundary &#39;edge&#39;")
    refused(send(client, whole, "multipart/form-data"), 400, "names no boundary")


@pytest.mark.parametrize("place", ["POST /api/photos", "PUT /api/photos/1", "POST /api/predictions", "POST /photos"])
@pytest.mark.parametrize(
    "coding",
    [
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "identity, BR"},
        {"Content-Encoding": "anything"},
        {"Transfer-Encoding": "gzip, chunked"},
        {"Transfer-Encoding": "gzip,chunked"},
        {"Transfer-Encoding": "deflate"},
    ],
)
def test_a_body_that_is_packed(client: FlaskClient, jpeg: bytes, place: str, coding: dict[str, str]) -> None:
    """Whether it really is or is only said to be: nobody looks."""
    method, path = place.split()
    form, photo = place == "POST /photos", image_part(jpeg) + b"--edge--\r\n"
    kind = f"multipart/form-data; boundary={EDGE}" if form else "image/jpeg"
    if method == "PUT":
        assert client.post("/api/photos", data=jpeg, content_type="image/jpeg").status_code == 201
    for body in (jpeg, gzip.compress(jpeg)) if not form else (photo, gzip.compress(photo)):
        answer = client.open(path, method=method, data=body, content_type=kind, headers=coding)
        assert answer.status_code == 415, answer.text
        assert "Send the bytes as they are" in answer.text
        assert next(iter(coding)) in answer.text


@pytest.mark.parametrize("coding", [{"Content-Encoding": "Identity"}, {"Content-Encoding": ""}])
def test_a_body_that_is_said_not_to_be_packed(client: FlaskClient, jpeg: bytes, coding: dict[str, str]) -> None:
    answer = client.post("/api/photos", data=jpeg, content_type="image/jpeg", headers=coding)
    assert answer.status_code == 201


def test_a_form_of_another_type(client: FlaskClient) -> None:
    refused(send(client, b"image=cup.jpg", "application/x-www-form-urlencoded"), 415, "multipart/form-data")
    refused(send(client, b"", ""), 415, "multipart/form-data")


def test_a_form_whose_photo_is_elsewhere(client: FlaskClient, jpeg: bytes) -> None:
    text = part(b'Content-Disposition: form-data; name="image"', b"cup.jpg")
    other = part(b'Content-Disposition: form-data; name="photo"; filename="cup.jpg"', jpeg)
    nameless = part(b'Content-Disposition: form-data; filename="cup.jpg"', jpeg)
    refused(send(client, text + b"--edge--\r\n"), 400, "is a text")
    refused(send(client, other + b"--edge--\r\n"), 400, "&#39;photo&#39;; send it in `image`")
    refused(send(client, nameless + b"--edge--\r\n"), 400, "send it in `image`")
    refused(send(client, image_part(jpeg) * 2 + b"--edge--\r\n"), 400, "2 photos; send one at a time")


def test_a_form_where_none_was_chosen(client: FlaskClient) -> None:
    title = part(b'Content-Disposition: form-data; name="title"', b"My cup")
    for body in (image_part(b"", b""), title, title + image_part(b"", b""), b""):
        refused(send(client, body + b"--edge--\r\n"), 422, "Choose a photo first.")


def test_a_form_with_an_empty_or_a_large_file(client: FlaskClient) -> None:
    refused(send(client, image_part(b"") + b"--edge--\r\n"), 422, "empty")
    refused(send(client, image_part(bytes(MAX_BYTES + 1)) + b"--edge--\r\n"), 413, f"{MAX_BYTES:,} bytes")
    refused(send(client, image_part(bytes(MAX_BYTES + 100_000)) + b"--edge--\r\n"), 413, f"{MAX_BYTES:,} bytes")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        (b"my-cup.jpg", "my-cup"),
        ("東京\u3000タワー.jpg".encode(), "東京\u3000タワー"),
        (b'a\\"b.c.jpg', 'a"b.c'),
        (b"", "Untitled"),
        (b".jpg", "Untitled"),
    ],
)
def test_a_form_without_a_title_is_named_after_its_file(
    client: FlaskClient, store: PhotoStore, jpeg: bytes, name: bytes, title: str
) -> None:
    untouched = part(b'Content-Disposition: form-data; name="title"', b"  ")
    answer = send(client, untouched + image_part(jpeg, name) + b"--edge--\r\n")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/photos/1")
    assert store.get(1).title == title


def test_a_form_that_names_its_file_in_extended_notation(client: FlaskClient, store: PhotoStore, jpeg: bytes) -> None:
    head = b"Content-Disposition: form-data; name=image; filename*=UTF-8''caf%C3%A9.jpg"
    assert send(client, part(head, jpeg) + b"--edge--\r\n").status_code == 303
    assert store.get(1).title == "café"


def test_a_form_sent_by_a_page_of_another_site(client: FlaskClient, jpeg: bytes) -> None:
    for site in ("cross-site", "same-site"):
        answer = client.post("/photos", data={"image": (io.BytesIO(jpeg), "cup.jpg")}, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 403
        assert "another site" in answer.text


@pytest.mark.parametrize("path", ["/api/photos", "/api/predictions", "/photos"])
@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidChunkSize(b"xyz"),
        errors.ChunkMissingTerminator(b"ab"),
        errors.NoMoreData(),
        errors.InvalidHeader("x"),
        ConnectionResetError("gone"),
        TimeoutError("slow"),
        ValueError("no body"),
        RuntimeError("another server's"),
    ],
)
@pytest.mark.parametrize("length", [None, 100_000])
def test_a_body_that_its_server_cannot_read(
    client: FlaskClient, jpeg: bytes, path: str, error: Exception, length: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    kind = "image/jpeg" if path.startswith("/api") else f"multipart/form-data; boundary={EDGE}"
    for sent in (b"", jpeg[:1000]):
        body: dict[str, Any] = {"wsgi.input": Broken(sent, error), "wsgi.input_terminated": True}
        body |= {"CONTENT_LENGTH": str(length)} if length else {"HTTP_TRANSFER_ENCODING": "chunked"}
        answer = client.post(path, content_type=kind, environ_overrides=body)
        assert answer.status_code == 400, answer.text
        assert "send it again" in answer.text
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("method_and_path", ["POST /api/photos", "PUT /api/photos/1", "POST /api/predictions"])
def test_a_body_shorter_than_it_was_said_to_be(client: FlaskClient, jpeg: bytes, method_and_path: str) -> None:
    method, path = method_and_path.split()
    if method == "PUT":
        assert client.post("/api/photos", data=jpeg, content_type="image/jpeg").status_code == 201
    for terminated in ({}, {"wsgi.input_terminated": True}):
        answer = client.open(
            path,
            method=method,
            content_type="image/jpeg",
            environ_overrides={"wsgi.input": io.BytesIO(jpeg), "CONTENT_LENGTH": str(len(jpeg) + 1)} | terminated,
        )
        assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
        assert answer.json is not None
        assert "send it again" in answer.json["detail"]


def test_a_form_without_length_or_end_is_too_large(client: FlaskClient) -> None:
    body = {"wsgi.input": io.BytesIO(image_part(bytes(MAX_BYTES * 2))), "wsgi.input_terminated": True}
    answer = client.post(
        "/photos",
        content_type=f"multipart/form-data; boundary={EDGE}",
        environ_overrides=body | {"HTTP_TRANSFER_ENCODING": "chunked"},
    )
    refused(answer, 413, f"{MAX_BYTES:,} bytes")
