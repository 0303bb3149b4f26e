"""A request has arrived when its last byte is here, not before and not later, however it is cut into pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.front.arrival import MAX_CHUNKS, MAX_HEAD, Arrival
from webapp.limits import MAX_BODY

HEAD = b"POST /api/predictions HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"


def chunked(pieces: list[bytes], extension: bytes = b"", trailers: bytes = b"") -> bytes:
    body = b"".join(b"%x%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n" + trailers + b"\r\n"


@st.composite
def requests(draw) -> bytes:
    body = draw(st.binary(max_size=300))
    if draw(st.booleans()):
        return HEAD + b"content-length: %d\r\n\r\n" % len(body) + body
    pieces = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=8))
    return chunked(pieces, draw(st.sampled_from([b"", b";a=b"])), draw(st.sampled_from([b"", b"A: b\r\nC: d\r\n"])))


@given(requests(), st.data())
def test_whole_with_the_last_byte(request_, data):
    arrival, at = Arrival(), 0
    while at < len(request_):
        assert not arrival.done
        end = data.draw(st.integers(at + 1, len(request_)))
        arrival.feed(request_[at:end])
        at = end
    assert arrival.done
    assert not arrival.cut
    assert arrival.take() == request_


@given(requests(), requests())
def test_what_comes_behind_it_is_kept(one, other):
    arrival = Arrival(one + other)

    assert arrival.done
    assert arrival.take() == one + other


@given(st.binary(max_size=2000))
def test_any_bytes(data):
    Arrival(data)
    Arrival(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + data)


def test_who_asks_for_leave_is_noticed():
    arrival = Arrival(HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")

    assert (arrival.head_whole, arrival.expects, arrival.done) == (True, True, False)


@pytest.mark.parametrize(
    "hopeless",
    [
        b"G" * (MAX_HEAD + 1),
        HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1),
        HEAD + b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * (MAX_HEAD // 6 + 1),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5 5\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"x" * 9000,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * (MAX_CHUNKS + 1),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"ffffff\r\n" + b"a" * (MAX_HEAD + MAX_BODY),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"a" * 65536 + b"\r\n") * 170 + b"5\r\na",
    ],
)
def test_what_nobody_takes_is_not_waited_for(hopeless):
    arrival = Arrival(hopeless)

    assert arrival.done
    assert arrival.cut


def test_a_head_that_says_nothing_sensible_about_its_body_has_none():
    for line in (b"Content-Length: 5, 5", b"Content-Length: -1", b"Transfer-Encoding: gzip"):
        assert Arrival(HEAD + line + b"\r\n\r\n").done


def test_a_length_may_have_zeros_in_front():
    arrival = Arrival(HEAD + b"Content-Length: " + b"0" * 30 + b"5\r\n\r\nhell")

    assert (arrival.done, arrival.cut) == (False, False)


def test_trailers_are_searched_once_in_however_many_pieces_they_come():
    class Counting(bytearray):
        searched = 0

        def find(self, what: bytes, start: int = 0) -> int:  # type: ignore[override]
            Counting.searched += len(self) - start
            return super().find(what, start)

    arrival = Arrival(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n")
    arrival.received, pieces = Counting(arrival.received), 8000
    for _ in range(pieces):
        arrival.feed(b"A: b\r\nB:")
        assert not arrival.done
    assert Counting.searched < 20 * pieces
    arrival.feed(b" c\r\n\r\n")
    assert (arrival.done, arrival.cut) == (True, False)
