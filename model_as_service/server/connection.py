"""One HTTP connection: uvicorn's protocol, with limits where it has none, and JSON where it answers by itself.

    Timed       clocks.py    no state lasts for ever
    Queued      turns.py     requests in turn, and the end of what a client sends
    Connection               heads: what is refused before ASGI begins, and bodies: every byte is counted

It also tells the request in progress at once when its client has gone. ASGI has a way to ask for that, but asking
takes a task of its own for every request.

A client may add that it would rather speak another protocol, as Java's does: `Upgrade: h2c`. A server may ignore that
(RFC 9110, 7.8), but the parser takes what follows the head for the other protocol. So it reads such a head twice: for
uvicorn only the second one counts, which has no such header.
"""

from typing import TYPE_CHECKING, Any

from httptools import HttpParserUpgrade, HttpRequestParser

from model_as_service.server.bodies import BODY, Body
from model_as_service.server.inference import CONNECTION
from model_as_service.server.turns import Queued

if TYPE_CHECKING:
    from collections.abc import Callable


class Connection(Queued):
    """Reads heads and bodies."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401  (uvicorn's own)
        super().__init__(*arguments, **named)
        self.gone: Callable[[], None] | None = None
        self.lost = False
        self._app = self.config.loaded_app
        self._body = Body(self._budget, [])  # of the request that is being read

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request in progress that nobody waits for its answer."""
        self.lost = True
        if self.gone is not None:
            self.gone()
        super().connection_lost(exc)

    def _parse_piece(self, piece: memoryview) -> int:
        try:
            self.parser.feed_data(piece)
        except HttpParserUpgrade as stopped:
            head = self._head_without_upgrade()
            self.parser = HttpRequestParser(self)  # the one before ignores the rest after `Connection: close`
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            self.parser.feed_data(head)
            return int(stopped.args[0])
        return len(piece)

    def _head_without_upgrade(self) -> bytes:
        first = b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        lines = (b"%s: %s" % header for header in self.headers if header[0] != b"upgrade")
        return b"\r\n".join((first, *lines, b"\r\n"))

    def _should_upgrade(self) -> bool:
        """Have uvicorn ignore a head at which the parser stops: it comes again."""
        return True

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._head_bytes = 0  # what came with its first byte is not counted: most can be the body of the request before

    def on_headers_complete(self) -> None:
        """End a head; what follows is for the application to limit."""
        self._end_head()
        self._in_body = self._refused()
        if self._in_body:
            return
        super().on_headers_complete()  # which may raise: then there is no request
        if self.parser.should_upgrade():
            return
        self._in_body, self._body = True, Body(self._budget, self.headers)
        self.scope[CONNECTION] = self  # type: ignore[literal-required]  # the task that reads it begins later
        self.scope[BODY] = self._body  # type: ignore[literal-required]

    def _refused(self) -> bool:
        """Refuse what would be in vain, for a fraction of what it costs to get as far as the application.

        Only on a connection that has had an answer: that exchange is complete, so uvicorn lets the body pass by. And
        only while the client reads what it is told.
        """
        parser, last = self.parser, self.cycle
        if last is None or not last.response_complete or self.expect_100_continue or parser.should_upgrade():
            return False
        if self.flow.write_paused or not parser.should_keep_alive():
            return False
        answer = self._app.refuses(parser.get_method().decode("latin-1"), self.url.decode("latin-1"), self.headers)
        if answer is None:
            return False
        self._write(503, *answer)
        self.on_response_complete()
        return True

    def on_body(self, body: bytes) -> None:
        """Count what has come, and keep it only where there is room for it."""
        if not self.cycle.response_complete:
            super().on_body(body if self._body.take(len(body)) else b"")

    def on_message_complete(self) -> None:
        """End a request."""
        self._body.whole = True
        super().on_message_complete()
