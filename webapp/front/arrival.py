"""Has a request arrived whole? Framing only (RFC 9112, 6 and 7.1): whether it is right, gunicorn's own parser says.

So what cannot be made out counts as whole: there is nothing to wait for.
"""

import re

from webapp.limits import MAX_BODY

MAX_HEAD = 64 * 1024  # bytes of request line and headers; gunicorn refuses less than that
MAX_LINE, MAX_CHUNKS = 8190, 100_000  # of a chunk's own line, bytes; and how many there may be
END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*0*([0-9]{1,15})([0-9]*)[ \t]*(?=\r\n)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*\bchunked[ \t]*(?=\r\n)", re.IGNORECASE)
EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*(?=\r\n)", re.IGNORECASE)
CHUNK = re.compile(rb"([0-9a-fA-F]{1,16})[ \t]*(?:;[^\r\n]{0,%d})?\r\n" % MAX_LINE)


class Arrival:
    """The bytes of one request, as they come, and perhaps the first ones of the next."""

    def __init__(self, received: bytes = b"") -> None:
        self.received = bytearray()
        self.head_whole = False  # request line and headers are here
        self.expects = False  # the client waits for leave to send the body
        self.done = False  # nothing more need be waited for
        self.cut = False  # because it is more than anybody takes: the rest is still to come
        self._searched = 0
        self._needed: int | None = None  # bytes in all, where the head says how many
        self._chunks = 0
        self._trailers: int | None = None  # where they begin, behind the last chunk
        self.feed(received)

    def take(self) -> bytes:
        """Return what has been received, and keep nothing of it."""
        taken, self.received = bytes(self.received), bytearray()
        return taken

    def feed(self, data: bytes) -> None:
        """Take what has come."""
        self.received += data
        if not self.head_whole:
            self._look_for_head()
        if self.head_whole and not self.done:
            self._look_for_end()

    def _look_for_head(self) -> None:
        end = self.received.find(END, max(0, self._searched - len(END)))
        self._searched = len(self.received)
        if end < 0:
            self.done = self.cut = len(self.received) > MAX_HEAD
            return
        head = bytes(self.received[: end + 2])
        self.head_whole, self.expects = True, bool(EXPECTS.search(head))
        self._searched = end + len(END)
        if not CHUNKED.search(head):
            length = LENGTH.search(head)
            body = int(length[1]) if length else 0
            self._needed = self._searched + body
            self.cut = body > MAX_BODY or bool(length and length[2])  # of so many digits, it is more than anybody takes

    def _look_for_end(self) -> None:
        if self._needed is None and self._trailers is None:
            self._walk_chunks()
        if self._trailers is not None:
            self._look_for_last_trailer(self._trailers)
        self.done = self.done or self.cut or (self._needed is not None and len(self.received) >= self._needed)

    def _walk_chunks(self) -> None:
        """Go from chunk to chunk as far as they have come; the last one has no bytes."""
        while chunk := CHUNK.match(self.received, self._searched):
            size = int(chunk[1], 16)
            if size == 0:
                self._trailers = self._searched = chunk.end()
                return
            if chunk.end() + size + 2 > len(self.received):
                self.cut = size > MAX_BODY
                break
            self._searched = chunk.end() + size + 2
            self._chunks += 1
        else:
            line = self.received[self._searched : self._searched + MAX_LINE + 16]
            self.cut = b"\n" in line or len(line) > MAX_LINE  # and so it will never be a chunk's
        self.cut = self.cut or self._chunks > MAX_CHUNKS or len(self.received) > MAX_HEAD + MAX_BODY

    def _look_for_last_trailer(self, begin: int) -> None:
        """Behind the last chunk come trailers, or none, and an empty line."""
        end = self.received.find(END, max(begin, self._searched - len(END)))
        self.done = end >= 0 or self.received.startswith(b"\r\n", begin)
        self._searched = len(self.received)
        self.cut = self.cut or (not self.done and self._searched - begin > MAX_HEAD)
