"""One HTTP connection: uvicorn's protocol, with limits where it has none, and JSON where it answers by itself.

It also tells the request in progress at once when its client has gone. ASGI has a way to ask for that, but asking
takes a task of its own for every request.

A client may add that it would rather speak another protocol, as Java's does: `Upgrade: h2c`. A server may ignore that
(RFC 9110, 7.8), but the parser takes what follows the head for the other protocol. So it reads such a head twice: for
uvicorn only the second one counts, which has no such header.
"""

from asyncio import TimerHandle, Transport
from typing import TYPE_CHECKING, Any

import orjson
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from model_as_service.server.inference import CONNECTION
from model_as_service.server.writing import JSON, Headers

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_HEAD = 64 * 1024  # bytes of request line and headers
HEAD_S = 10.0  # from their first byte, or from the opening of the connection
NO_HTTP = "Invalid HTTP request received."


class Connection(HttpToolsProtocol):
    """Limits the head of a request; uvicorn would collect headers for as long as they come."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401  (uvicorn's own)
        super().__init__(*arguments, **named)
        self.gone: Callable[[], None] | None = None
        self._in_head, self._head_bytes = True, 0
        self._late: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request in progress that nobody waits for its answer."""
        self._stop_waiting()
        if self.gone is not None:
            self.gone()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head of the request has become too long."""
        self._head_bytes += len(data)
        self._unset_keepalive_if_required()
        try:
            self._parse(memoryview(data))
        except (HttpParserError, HttpParserUpgrade):  # the latter is CONNECT, whatever its headers
            self.logger.warning(NO_HTTP)
            self.send_400_response(NO_HTTP)
        if not self._in_head or self.transport.is_closing():
            return
        if self._head_bytes > MAX_HEAD:
            self._refuse(431, f"the request's headers are longer than {MAX_HEAD:,} bytes")
        elif self._late is None:
            self._wait_for_head()

    def _parse(self, data: memoryview) -> None:
        while data:
            try:
                self.parser.feed_data(data)
            except HttpParserUpgrade as stopped:
                head, data = self._head_without_upgrade(), data[stopped.args[0] :]
                self.parser = HttpRequestParser(self)  # the one before ignores the rest after `Connection: close`
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
                self.parser.feed_data(head)
            else:
                return

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
        # What came with its first byte is not counted: most of it can be the body of the request before.
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """End a head; what follows is for the application to limit."""
        self._in_head = False
        self._stop_waiting()
        if self._refused():
            return
        super().on_headers_complete()
        self.scope[CONNECTION] = self  # type: ignore[literal-required]  # the task that reads it begins later

    def _refused(self) -> bool:
        """Refuse what would be in vain, for a fraction of what it costs to get as far as the application.

        Only on a connection that has had an answer: that exchange is complete, so uvicorn lets the body pass by.
        """
        parser, last = self.parser, self.cycle
        if last is None or not last.response_complete or self.expect_100_continue or parser.should_upgrade():
            return False
        method, path = parser.get_method().decode("latin-1"), self.url.decode("latin-1")
        answer = self.config.loaded_app.refuses(method, path, self.headers) if parser.should_keep_alive() else None
        if answer is None:
            return False
        self._write(503, *answer)
        self.on_response_complete()
        return True

    @property
    def whole(self) -> bool:
        """Whether the body of the request in progress has arrived in full."""
        return not self.cycle.more_body

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP; uvicorn would do it in plain text."""
        self._refuse(400, msg)

    def _wait_for_head(self) -> None:
        self._late = self.loop.call_later(HEAD_S, self._head_late)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _head_late(self) -> None:
        self._late = None
        if self._in_head:
            self._refuse(408, f"the request's headers did not arrive within {HEAD_S:.0f} s")

    def _refuse(self, status: int, words: str) -> None:
        self._write(status, orjson.dumps({"error": words}), [(b"content-type", JSON), (b"connection", b"close")])
        self.transport.close()

    def _write(self, status: int, body: bytes, headers: Headers) -> None:
        lines = (b"%s: %s\r\n" % header for header in (*headers, (b"content-length", b"%d" % len(body))))
        self.transport.write(b"".join((STATUS_LINE[status], *lines, b"\r\n", body)))
