"""What goes wrong in coordinator and senders, in words for a log, a terminal and Locust's web page."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from bench.exits import Failure
from bench.terminal import plain

LONGEST_LINE = 1000
log = logging.getLogger("sweetspot")


def or_end(method: Callable[..., None]) -> Callable[..., None]:
    """Let whatever a method raises end the test. Locust would log a traceback and go on, with nothing to do."""

    @wraps(method)
    def guarded(self: Any, *args: object, **kwargs: object) -> None:  # noqa: ANN401 - a coordinator, which stands above
        try:
            method(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - anything at all
            self.fail(in_words(error))

    return guarded


def in_words(error: Exception) -> str:
    """Return one line about an error, for a user: a traceback is for us."""
    if isinstance(error, Failure):
        return plain(" ".join(str(error).split())[:LONGEST_LINE])  # some repeat what a server or a user said
    log.debug("a bug", exc_info=error)
    return plain(f"a bug in the load generator: {error!r} (--loglevel DEBUG shows where)")
