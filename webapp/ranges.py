"""Parts of an answer, as RFC 9110 (section 14) asks for them. werkzeug refuses what it says to ignore, or to fill up.

One range of bytes is answered with 206, one beyond the end with 416 and the length. All else gets the whole: several
ranges, a unit or a form that is not understood, any method but GET, an `If-Range` that is weak or beyond all time.
"""

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response, abort, request
from werkzeug.http import parse_date

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.wrappers import Request

_MANY = 10**18  # beyond the end of any file: more digits make it no larger, and would take time to read
_ONE_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)", re.IGNORECASE)


class RangedResponse(Response):
    """A Flask response that reads `Range` like the standard."""

    def make_conditional(
        self,
        request_or_environ: "WSGIEnvironment | Request",
        accept_ranges: bool | str = False,  # noqa: FBT001, FBT002  (werkzeug's)
        complete_length: int | None = None,
    ) -> "RangedResponse":
        """Answer 304, 206 or 416 where the request asks for it."""
        given = request_or_environ if isinstance(request_or_environ, dict) else request_or_environ.environ
        environ = {name: value for name, value in given.items() if name != "HTTP_RANGE"}
        if not _may_be_date(given.get("HTTP_IF_MODIFIED_SINCE", "")):
            del environ["HTTP_IF_MODIFIED_SINCE"]
        if given.get("HTTP_IF_MATCH", "").strip() == "*":
            del environ["HTTP_IF_MATCH"]  # any version will do, and there is one
        super().make_conditional(environ, accept_ranges, complete_length)
        if self.status_code == HTTPStatus.PRECONDITION_FAILED:
            self.close()
            abort(412, "What is here is another version than the one that If-Match names.")
        wanted = one_range(given.get("HTTP_RANGE", ""), complete_length or 0)
        condition = given.get("HTTP_IF_RANGE", "")
        weak = condition.startswith("W/") or not _may_be_date(condition)
        # A range is looked at last: who has the newest version needs no part of it.
        if wanted and self.status_code == HTTPStatus.OK and given["REQUEST_METHOD"] == "GET" and not weak:
            super().make_conditional(environ | {"HTTP_RANGE": wanted}, accept_ranges, complete_length)
        return self


def photo_file(content: bytes, media_type: str, version: str) -> Response:
    """Answer the current request with a file of a photo, or what it asks for of it."""
    response = RangedResponse(content, mimetype=media_type)
    response.set_etag(version)
    response.cache_control.no_cache = True  # a photo can be replaced: ask before using a copy
    return response.make_conditional(request, accept_ranges=True, complete_length=len(content))


def one_range(header: str, length: int) -> str | None:
    """Return a `Range` header of one range with its beginning, or None where the whole is to be sent."""
    match = _ONE_RANGE.fullmatch(header.strip())
    if not match or match[0].endswith("=-"):
        return None
    first, last = map(_plain, match.groups())
    if not first:
        # The last so many bytes; of a file that has fewer, all. The last none are beyond the end.
        return f"bytes={length - min(int(last), length)}-"
    if last and int(last) < int(first):
        return None
    return f"bytes={first}-{last}"


def _may_be_date(header: str) -> bool:
    """Whether werkzeug can read a header as a date, or can tell that it is none; it fails on years beyond all time."""
    try:
        parse_date(header)
    except OverflowError:
        return False
    return True


def _plain(digits: str) -> str:
    """Return a number without leading zeros, at most so large as to be beyond any end; nothing for nothing."""
    number = digits.lstrip("0") or digits[-1:]
    return number if len(number) < len(str(_MANY)) else str(_MANY)
