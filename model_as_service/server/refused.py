"""What the server says when it does not answer: a status, words for people, a reason for the metrics."""

import math
from reprlib import Repr

SHOWN = 50  # characters of what a client has sent: it may be as large as a body, and nobody has counted the answer
_REPR = Repr()
_REPR.maxstring, _REPR.maxlevel = SHOWN, 1


class Refused(Exception):  # noqa: N818
    """Answered with `{"error": ...}` and this status; `retry_after`: seconds, None where asking again is no use."""

    def __init__(
        self, message: str, status: int = 400, *, reason: str = "bad_request", retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.retry_after = None if retry_after is None else max(1, math.ceil(retry_after))  # HTTP knows whole seconds


class Abandoned(Exception):  # noqa: N818
    """The client has gone: there is nobody to answer."""


def short(text: str) -> str:
    """Return a text of which a client is to be reminded, or its beginning."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def shown(value: object) -> str:
    """Return a value of which a client is to be reminded as Python writes it, or the beginning of that."""
    return short(_REPR.repr(value))


BUG = Refused("something went wrong here; it has been logged", 500, reason="bug")
