"""Where a URL leads, and what is refused in words."""

import pytest

from bench.exits import UsageProblem
from bench.load.address import Origin, origin_of


@pytest.mark.parametrize(
    ("url", "origin", "host"),
    [
        ("http://127.0.0.1:8000", Origin("127.0.0.1", 8000), "127.0.0.1:8000"),
        ("http://127.0.0.1:8000/", Origin("127.0.0.1", 8000), "127.0.0.1:8000"),
        ("HTTP://Photos.example:80/under/this/", Origin("photos.example", 80, "/under/this"), "photos.example:80"),
        ("http://[::1]:8000", Origin("::1", 8000), "[::1]:8000"),
        ("http://[fe80::1%eth0]:8000", Origin("fe80::1%eth0", 8000), "[fe80::1]:8000"),
    ],
)
def test_a_url_is_read_and_its_host_named_as_http_wants_it(url: str, origin: Origin, host: str):
    assert origin_of(url) == origin
    assert origin_of(url).host == host


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "there is none"),
        ("127.0.0.1:8000", "only http is spoken"),
        ("localhost:8000", "only http is spoken"),
        ("https://127.0.0.1:8000", "only http is spoken"),
        ("ftp://127.0.0.1:8000", "only http is spoken"),
        ("http://", "the name is missing"),
        ("http://:8000", "the name is missing"),
        ("http://127.0.0.1", "the port is missing"),
        ("http://127.0.0.1:", "the port is missing"),
        ("http://127.0.0.1:0", "the port is missing"),
        ("http://127.0.0.1:99999", "Port out of range"),
        ("http://127.0.0.1:-1", "Port could not be cast"),
        ("http://127.0.0.1:many", "Port could not be cast"),
        ("http://::1:8000", "Port could not be cast"),
        ("http://[::1:8000", "Invalid IPv6 URL"),
        ("http://me:secret@127.0.0.1:8000", "cannot be sent along"),
        ("http://@127.0.0.1:8000", "cannot be sent along"),
        ("http://127.0.0.1:8000/?a=b", "cannot be sent along"),
        ("http://127.0.0.1:8000?", "cannot be sent along"),
        ("http://127.0.0.1:8000/#", "cannot be sent along"),
        ("http://münchen.example:8000", "only ASCII"),
        ("http://127.0.0.1:8000/a b", "only ASCII"),
        ("http://127.0.0.1:8000/a\r\nX: y", "only ASCII"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(url: str, why: str):
    with pytest.raises(UsageProblem, match=r"must look like http://127\.0\.0\.1:8000: ") as problem:
        origin_of(url)
    assert why in str(problem.value)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("name", ["nobody.invalid", "a..b", "x" * 70])
def test_a_name_that_nobody_knows_is_told(name: str):
    with pytest.raises(UsageProblem, match="nobody knows the name"):
        Origin(name, 80).addresses()
