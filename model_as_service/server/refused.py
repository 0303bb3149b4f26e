"""What the server says when it does not answer: a status, words for people, a reason for the metrics."""

import math


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


BUG = Refused("something went wrong here; it has been logged", 500, reason="bug")
