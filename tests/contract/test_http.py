"""One HTTP contract over all live stacks: it knows a URL, and which answers only some architectures can give."""

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from bench.stacks.running import RunningStack
from tests.processes import wait_for
from tests.unit.webapp.test_images import huge_png

JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture(scope="module")
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def photos(http: requests.Session, url: str) -> list[dict[str, Any]]:
    found, after = [], 0
    while after is not None:
        page = http.get(f"{url}/api/photos", params={"after": after, "limit": 20}).json()
        found += page["photos"]
        after = page["next"]
    return found


def prediction(http: requests.Session, url: str, photo_id: int) -> dict[str, Any]:
    """Ask until it is no longer pending: where a batch job answers, a new photo waits for its next run."""

    def ask() -> dict[str, Any]:
        answer = http.get(f"{url}/api/photos/{photo_id}/prediction")
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    return wait_for(ask, seconds=45)


def test_the_catalogue_is_listed_and_each_photo_can_be_had(http: requests.Session, url: str) -> None:
    listed = photos(http, url)
    assert len(listed) >= 50
    photo = listed[3]
    assert http.get(f"{url}/api/photos/{photo['id']}").json() == photo
    image = http.get(f"{url}/api/photos/{photo['id']}/image")
    assert (image.headers["Content-Type"], len(image.content)) == (photo["media_type"], photo["bytes"])
    again = http.get(f"{url}/api/photos/{photo['id']}/image", headers={"If-None-Match": image.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_prediction_says_what_it_was_made_from(http: requests.Session, url: str, variant: str) -> None:
    body = prediction(http, url, 1)
    assert (body["photo_id"], body["photo_version"]) == (1, 1)
    assert body["model"] == {"name": "efficientnet-lite", "version": "1"}
    assert len(body["labels"]) == 5
    assert body["source"] == ("stored" if variant == "model_in_db" else "live")
    for name in ("input_read_at", "predicted_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", body[name])


def test_the_stages_of_a_prediction_are_told(http: requests.Session, url: str, variant: str) -> None:
    header = http.get(f"{url}/api/photos/1/prediction").headers["Server-Timing"]
    stages = {stage.split(";")[0] for stage in header.split(", ")}
    assert stages == ({"app", "db"} if variant == "model_in_db" else {"app", "db", "queue", "decode", "infer"})


def test_a_photo_goes_in_is_replaced_and_answered_for(
    http: requests.Session, url: str, jpeg: bytes, other_jpeg: bytes
) -> None:
    created = http.post(f"{url}/api/photos", params={"title": "My cup"}, data=jpeg, headers=JPEG)
    photo = created.json()
    assert (created.status_code, photo["version"], photo["title"]) == (201, 1, "My cup")
    assert created.headers["Location"] == f"/api/photos/{photo['id']}"
    replaced = http.put(f"{url}/api/photos/{photo['id']}", data=other_jpeg, headers=JPEG)
    assert (replaced.status_code, replaced.json()["version"]) == (200, 2)
    body = prediction(http, url, photo["id"])
    assert body["photo_version"] == 2
    assert "cat" in " ".join(label["label"] for label in body["labels"])


def test_bytes_that_are_stored_nowhere(http: requests.Session, url: str, variant: str, jpeg: bytes) -> None:
    before = photos(http, url)
    answer = http.post(f"{url}/api/predictions", data=jpeg, headers=JPEG)
    if variant == "model_in_db":
        assert answer.status_code == 501
        assert "ahead of time" in answer.json()["detail"]
    else:
        body = answer.json()
        assert (answer.status_code, body["photo_id"], body["labels"][0]["label"]) == (200, None, "espresso")
    assert photos(http, url) == before


@pytest.mark.parametrize("path", ["/", "/photos/1", "/upload", "/photos/1/thumbnail", "/static/style.css"])
def test_the_pages(http: requests.Session, url: str, path: str) -> None:
    answer = http.get(url + path)
    assert answer.status_code == 200
    if path == "/photos/1":
        assert answer.text.count('class="bar"') == 5


def test_operations(http: requests.Session, url: str) -> None:
    assert http.get(f"{url}/livez").json() == {"live": True}
    ready = http.get(f"{url}/readyz").json()
    assert ready["model"] == {"name": "efficientnet-lite", "version": "1", "provider": "CPUExecutionProvider"}
    metrics = http.get(f"{url}/metrics").text
    assert 'sweetspot_model_info{name="efficientnet-lite",provider="CPUExecutionProvider",version="1"} 1.0' in metrics
    assert "sweetspot_request_seconds_bucket" in metrics


def bad_inputs(jpeg: bytes) -> list[tuple[str, str, bytes, dict[str, str], int]]:
    uploads = [
        (b"", JPEG, 422),
        (jpeg[: len(jpeg) // 2], JPEG, 422),
        (b"this is text, named .jpg", JPEG, 422),
        (huge_png(20_000, 20_000), {"Content-Type": "image/png"}, 413),
        (bytes(50 * 1024 * 1024), JPEG, 413),
        (jpeg, {"Content-Type": "text/plain"}, 415),
        (jpeg, {}, 415),
        (jpeg, {"Content-Type": "image/gif"}, 415),
    ]
    places = [("POST", "/api/photos"), ("PUT", "/api/photos/1"), ("POST", "/api/predictions")]
    asks = [
        ("GET", "/api/photos/999999", 404),
        ("GET", "/api/photos/999999/image", 404),
        ("GET", "/api/photos/999999/prediction", 404),
        ("GET", "/photos/999999", 404),
        ("GET", "/api/photos/..%2f..%2fetc%2fpasswd", 404),
        ("GET", "/api/photos/../../etc/passwd/image", 404),
        ("GET", "/api/photos/1%00/image", 404),
        ("GET", "/api/photos/-1/prediction", 404),
        ("GET", "/api/photos/99999999999999999999999999", 404),
        ("GET", "/api/photos?limit=-1", 400),
        ("GET", "/api/photos?limit=0", 400),
        ("GET", "/api/photos?limit=ten", 400),
        ("GET", "/api/photos?limit=5&limit=6", 400),
        ("GET", "/api/photos?after=-1", 400),
        ("GET", "/api/photos?after=" + "9" * 30, 400),
        ("GET", "/api/photos?limit=" + "0" * 19 + "1999", 400),
        ("GET", "/api/photos?limit=" + "0" * 1000 + "1", 400),
        ("GET", "/?before=" + "9" * 30, 400),
        ("GET", "/api/photos/1000000000", 404),
        ("GET", "/api/photos/999999999/prediction", 404),
        ("DELETE", "/api/photos/1", 405),
        ("PUT", "/api/photos/999999", 404),
    ]
    return [(*place, *upload) for place in places for upload in uploads] + [
        (method, path, jpeg if method == "PUT" else b"", JPEG if method == "PUT" else {}, status)
        for method, path, status in asks
    ]


def test_bad_input_is_a_clear_4xx_and_changes_nothing(
    http: requests.Session, url: str, variant: str, jpeg: bytes
) -> None:
    before = photos(http, url)
    for method, path, body, headers, status in bad_inputs(jpeg):
        request = requests.Request(method, url, data=body, headers=headers).prepare()
        request.url = url + path  # as it is: no client may tidy it up
        answer = http.send(request)
        case = f"{method} {path} {headers} {len(body)} bytes: {answer.status_code} {answer.text[:300]}"
        expected = {status}
        if path == "/api/predictions":
            # What only passes through is judged by the model's own decoder (413 or 422: no image that it can read);
            # where nothing but stored photos can be answered for, damage is not looked at at all.
            expected |= {501} if variant == "model_in_db" else {422}
        assert answer.status_code in expected, case
        assert "Traceback" not in answer.text, case
        if path.startswith("/api/"):
            assert answer.headers["Content-Type"] == "application/problem+json", case
            assert len(answer.json()["detail"]) > 10, case
    assert photos(http, url) == before


def cut_short(url: str, head: str, body: bytes) -> tuple[int, bytes]:
    """Send a request whose body has no end, and no more; return the answer."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(f"{head}\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n".encode() + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    status, _, rest = answer.partition(b"\r\n")
    return int(status.split()[1]), rest.partition(b"\r\n\r\n")[2]


def test_a_body_that_has_no_proper_end_is_refused_and_nothing_of_it_stored(
    http: requests.Session, url: str, jpeg: bytes
) -> None:
    before = photos(http, url)
    ends = [
        (f"Content-Length: {len(jpeg) + 1}", jpeg),
        ("Content-Length: 100000", b""),
        ("Transfer-Encoding: chunked", b"%x\r\n" % len(jpeg) + jpeg),
        ("Transfer-Encoding: chunked", b"%x\r\n" % len(jpeg) + jpeg + b"\r\n"),
        ("Transfer-Encoding: chunked", b"5\r\nabcdefgh\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", b"%x\r\n" % len(jpeg) + jpeg + b"\r\nxyz\r\n\r\n"),
        ("Transfer-Encoding: chunked", b"-5\r\nabcde\r\n0\r\n\r\n"),
    ]
    for line in ("POST /api/photos", "PUT /api/photos/1", "POST /api/predictions"):
        for length, body in ends:
            head = f"{line} HTTP/1.1\r\nContent-Type: image/jpeg\r\n{length}"
            status, text = cut_short(url, head, body)
            assert status == 400, (head, body[:40], text)
            assert b"Traceback" not in text
    assert photos(http, url) == before


def test_a_body_that_is_packed_is_refused_and_nothing_of_it_stored(
    http: requests.Session, url: str, jpeg: bytes
) -> None:
    before = photos(http, url)
    chunked = b"%x\r\n" % len(jpeg) + jpeg + b"\r\n0\r\n\r\n"
    for line in ("POST /api/photos", "PUT /api/photos/1", "POST /api/predictions"):
        for coding, body in (
            (f"Content-Encoding: gzip\r\nContent-Length: {len(jpeg)}", jpeg),
            ("Transfer-Encoding: gzip, chunked", chunked),
            ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", chunked),
        ):
            status, text = cut_short(url, f"{line} HTTP/1.1\r\nContent-Type: image/jpeg\r\n{coding}", body)
            assert (status, b"is not taken" in text) == (415, True), (line, coding, text)
    assert photos(http, url) == before


def test_a_date_beyond_all_time_is_none(http: requests.Session, url: str) -> None:
    for path in ("/api/photos/1/image", "/photos/1/thumbnail", "/static/style.css", "/api/photos", "/livez"):
        for name in ("If-Modified-Since", "If-Unmodified-Since", "If-Range", "Date"):
            date = {name: "Mon, 21 Oct 999999999999 07:28:00 GMT", "Range": "bytes=1-2"}
            assert http.get(url + path, headers=date).status_code in {200, 206}, (path, name)


def test_a_photo_of_another_version_is_not_sent(http: requests.Session, url: str) -> None:
    for path in ("/api/photos/1/image", "/photos/1/thumbnail"):
        answer = http.get(url + path, headers={"If-Match": '"other"'})
        assert (answer.status_code, "another version" in answer.text) == (412, True)


def test_a_part_of_a_photo(http: requests.Session, url: str) -> None:
    for path in ("/api/photos/1/image", "/photos/1/thumbnail"):
        whole = http.get(url + path).content
        for asked, status, content in (
            ("bytes=2-5", 206, whole[2:6]),
            ("bytes=-9999999", 206, whole),
            ("bytes=0-1,4-5", 200, whole),
            ("lines=1-2", 200, whole),
        ):
            answer = http.get(url + path, headers={"Range": asked})
            assert (answer.status_code, answer.content) == (status, content), asked
        answer = http.get(url + path, headers={"Range": "bytes=9999999-"})
        assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{len(whole)}")


def test_a_title_stays_as_people_write_it(http: requests.Session, url: str, jpeg: bytes) -> None:
    for title in ("東京\u3000タワー", "10\u00a0km", "\U0001f469\u200d\U0001f467 ❤\ufe0f"):
        photo = http.post(f"{url}/api/photos", params={"title": title}, data=jpeg, headers=JPEG).json()
        assert photo["title"] == title
        assert title in http.get(f"{url}/photos/{photo['id']}").content.decode()
        page = http.post(f"{url}/photos", files={"image": (f"{title}.jpg", jpeg)}, data={"title": ""})
        assert (page.status_code, title in page.content.decode()) == (200, True)


def test_a_form_is_told_what_is_wrong_with_it(http: requests.Session, url: str, jpeg: bytes) -> None:
    form = {"Content-Type": "multipart/form-data; boundary=edge"}
    head = b'--edge\r\nContent-Disposition: form-data; name="image"; filename="%s"\r\n\r\n'
    for body, status, why in (
        (head % b"caf\xe9.jpg" + jpeg + b"\r\n--edge--\r\n", 400, "not UTF-8"),
        (head.replace(b"image", b"") % b"cup.jpg" + jpeg + b"\r\n--edge--\r\n", 400, "names no field"),
        ((head % b"cup.jpg").replace(b"edge", b"other") + jpeg + b"\r\n--edge--\r\n", 400, "not divided"),
        (head % b"cup.jpg" + jpeg, 400, "cut short"),
        ((head % b"cup.jpg" + jpeg + b"\r\n") * 2 + b"--edge--\r\n", 400, "one at a time"),
        (head % b"" + b"\r\n--edge--\r\n", 422, "Choose a photo first."),
    ):
        answer = http.post(f"{url}/photos", data=body, headers=form)
        assert (answer.status_code, why in answer.text, "<form" in answer.text) == (status, True, True), answer.text


def test_every_answer_says_how_it_may_be_used(http: requests.Session, url: str) -> None:
    for path in ("/", "/photos/1", "/photos/1/thumbnail", "/api/photos/1/image", "/static/style.css", "/nothing"):
        headers = http.get(url + path).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path


def test_a_photo_is_replaced_while_it_is_looked_at(
    http: requests.Session, url: str, jpeg: bytes, other_jpeg: bytes
) -> None:
    number = http.post(f"{url}/api/photos", data=jpeg, headers=JPEG).json()["id"]

    def replace(content: bytes) -> int:
        return requests.put(f"{url}/api/photos/{number}", data=content, headers=JPEG, timeout=30).status_code

    with ThreadPoolExecutor(1) as thread:
        replacing = [thread.submit(replace, content) for content in [other_jpeg, jpeg] * 10]
        while not replacing[-1].done():
            assert http.get(f"{url}/photos/{number}/thumbnail").content.startswith(b"\xff\xd8")
            assert http.get(f"{url}/api/photos/{number}/image").content in (jpeg, other_jpeg)
    assert {done.result() for done in replacing} == {200}


def test_many_at_once_all_get_their_own_answer(http: requests.Session, url: str) -> None:
    expected = {photo_id: prediction(http, url, photo_id)["labels"] for photo_id in range(1, 13)}

    def ask(photo_id: int) -> list[Any]:
        return requests.get(f"{url}/api/photos/{photo_id}/prediction", timeout=30).json()["labels"]  # type: ignore[no-any-return]

    with ThreadPoolExecutor(8) as threads:
        for photo_id, labels in zip([*expected] * 3, threads.map(ask, [*expected] * 3), strict=True):
            assert labels == expected[photo_id]


def test_another_model_version_goes_live(http: requests.Session, url: str, live_stack: RunningStack) -> None:
    def live(version: str) -> None:
        answer = http.get(f"{url}/api/photos/1/prediction")
        assert answer.status_code == 200
        assert answer.json()["model"]["version"] == version

    for version in ("2", "1"):
        live_stack.deploy(version)
        wait_for(lambda version=version: live(version), (AssertionError, requests.ConnectionError))  # type: ignore[misc]
