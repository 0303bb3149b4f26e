"""A form as browsers send it with a file (multipart/form-data, RFC 7578), taken apart in memory.

werkzeug finds the parts. Its own form parser overlooks what is wrong with one, so that whoever wrote the form would
learn no more than that something is missing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData, Preamble, State

MAX_TEXT, MAX_PARTS = 500_000, 20  # bytes of a field that is no file; and how many fields there may be, of our two
MAX_HEAD = 8192  # bytes: the longest name of a file, each byte escaped, ten times; reading heads takes a while
BLANK_LINE = re.compile(rb"\r\n\r\n|\r\r|\n\n")  # as werkzeug finds the end of a head
PIECE = 64 * 1024
SHOWN = 100  # characters of a header that is wrong
PLAIN = {"binary", "7bit", "8bit"}
CHARSETS = {"us-ascii", "utf-8", "iso-8859-1"}  # more are not sent by anybody who follows the standard


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form; `filename` is None where it is a text."""

    name: str
    filename: str | None
    charset: str
    content: bytearray = field(default_factory=bytearray)

    def text(self) -> str:
        """Return the content as a text; raises UnicodeDecodeError."""
        return self.content.decode(self.charset)


def take_apart(body: bytes, boundary: str) -> list[Part]:
    """Return the parts of a form; raise ValueError with words, UnicodeDecodeError, or RequestEntityTooLarge."""
    parts: list[Part] = []
    outside = b""
    for event in _events(body, boundary):
        if isinstance(event, Preamble | Epilogue):
            outside += event.data
        elif isinstance(event, Field | File):
            parts.append(_begun(event))
        elif isinstance(event, Data):
            parts[-1].content.extend(event.data)
            if parts[-1].filename is None and len(parts[-1].content) > MAX_TEXT:
                raise RequestEntityTooLarge
    if outside.strip() and not parts:
        raise ValueError(_not_divided(boundary))
    return parts


def _events(body: bytes, boundary: str) -> Iterator[Event]:
    if not boundary:
        raise ValueError("its Content-Type names no boundary")
    decoder = MultipartDecoder(boundary.encode("ascii"), MAX_TEXT, max_parts=MAX_PARTS)
    for piece in (*(body[start : start + PIECE] for start in range(0, len(body), PIECE)), None):
        decoder.receive_data(piece)
        while not isinstance(event := _next(decoder, boundary), NeedData):
            yield event
            if isinstance(event, Epilogue):
                return


def _next(decoder: MultipartDecoder, boundary: str) -> Event:
    in_head = decoder.state == State.PART and not BLANK_LINE.search(decoder.buffer[:MAX_HEAD])
    if in_head and len(decoder.buffer) >= MAX_HEAD:
        raise RequestEntityTooLarge
    try:
        return decoder.next_event()
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        if not decoder.complete:
            raise  # it is a part that is broken, and in words
        words = _not_divided(boundary) if decoder.state == State.PREAMBLE else "its last boundary is missing"
        raise ValueError(words) from error


def _begun(event: Field | File) -> Part:
    """Return a part with its head; werkzeug leaves out what it cannot read of that, and tells nobody."""
    head = event.headers["Content-Disposition"]
    filename = event.filename if isinstance(event, File) else None
    for key, value in (("name", event.name), ("filename", filename)):
        if value is None and re.search(rf"(?<![\w*-]){key}[\s*0-9]*=", head, re.IGNORECASE):
            raise ValueError(f"a part has a {key} that cannot be read: Content-Disposition: {head[:SHOWN]}")
    if not event.name:
        raise ValueError(
            f"a part names no field: Content-Disposition: {head[:SHOWN]}; if it is the photo, send it in `image`"
        )
    coding = event.headers.get("Content-Transfer-Encoding", "binary")
    if coding.lower() not in PLAIN:
        raise ValueError(f"a part is sent as {coding[:SHOWN]!r}, not as the bytes that it is")
    charset = parse_options_header(event.headers.get("Content-Type"))[1].get("charset", "").lower()
    return Part(event.name, filename, charset if charset in CHARSETS else "utf-8")


def _not_divided(boundary: str) -> str:
    return f"it is not divided by the boundary {boundary[:SHOWN]!r} that its Content-Type names"
