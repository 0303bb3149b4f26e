"""Requests that a client sends without waiting for answers, in turn, and what it has sent when it sends no more.

What has arrived is parsed as its turn comes: each request takes more memory than a client takes bytes to send it. And
what is wrong with one is said after the answers to those before.

A client that has asked may end its side of the connection and read on; one that has vanished looks the same. The
difference shows when something is sent: a socket that nobody holds resets the connection. So whoever ended its side and
waits for long is sent `100 Continue`, which every client of HTTP/1.1 skips.
"""

import socket
from asyncio import TimerHandle, Transport
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from model_as_service.server.bodies import BODY, SMALL, Budget
from model_as_service.server.clocks import Timed

MAX_HEAD = 64 * 1024  # bytes of request line and headers
PIECE = 16 * 1024  # what is parsed at once can be hundreds of requests
PROBE_S = 0.1  # most are answered sooner
NO_HTTP = "Invalid HTTP request received."


class Flow(FlowControl):
    """Does not read on while something that was read is still here."""

    held = False

    def resume_reading(self) -> None:
        """Read on, unless held."""
        if not self.held:
            super().resume_reading()


class Queued(Timed):
    """A connection on which requests are taken in turn."""

    flow: Flow

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401  (uvicorn's own)
        super().__init__(*arguments, **named)
        self._budget: Budget = self.config.loaded_app.budget
        self._head_bytes = 0
        self._unread = b""  # not yet parsed
        self._untaken = 0  # bytes of answers that the client has not taken
        self._ended = False  # nothing more will come
        self._last_words: tuple[int, str] | None = None  # to be said after all answers
        self._probing: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Read from here on."""
        super().connection_made(transport)
        self.flow = Flow(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all requests that nobody waits for their answers."""
        if self._probing is not None:
            self._probing.cancel()
        if self._running is not None:
            self._running.disconnected = True
            self._running.message_event.set()
        while self.pipeline:
            _forget(self.pipeline.pop()[0])
        self._keep(b"")
        self._count_untaken(0)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, once the requests before have been parsed."""
        self._unset_keepalive_if_required()
        if self._unread:
            self._hold(self._unread + data)
        else:
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        try:
            self._parse(memoryview(data))
        except (HttpParserError, HttpParserUpgrade):  # the latter is CONNECT, whatever its headers
            self.logger.warning(NO_HTTP)
            self.send_400_response(NO_HTTP)
        if self.transport.is_closing() or self._last_words:
            return
        if self._in_head and self._head_bytes > MAX_HEAD:
            self._refuse(431, f"the request's headers are longer than {MAX_HEAD:,} bytes")
        else:
            self._set_clock()

    def _parse(self, data: memoryview) -> None:
        at = 0
        while at < len(data) and not self._last_words:
            if self.pipeline:
                self._hold(bytes(data[at:]))
                return
            piece = data[at : at + PIECE]
            self._head_bytes += len(piece)
            at += self._parse_piece(piece)

    def _parse_piece(self, piece: memoryview) -> int:
        """Parse, and return how many bytes have been."""
        self.parser.feed_data(piece)
        return len(piece)

    def _hold(self, data: bytes) -> None:
        """Keep what has been read, and read no more meanwhile."""
        if self._budget.has_room(len(data) - len(self._unread)):
            self._keep(data)
        else:
            self._refuse(503, "too much is waiting here; send one request after the other, or try again in a moment")
            self._keep(b"")
        self.flow.held = bool(self._unread) or self._ended
        if self.flow.held and not self.transport.is_closing():
            self.flow.pause_reading()

    def _keep(self, data: bytes) -> None:
        self._budget.held += len(data) - len(self._unread)
        self._unread = data

    def pause_writing(self) -> None:
        """Count what the client does not take, and hang up where that leaves no room for the bodies of others."""
        super().pause_writing()
        size = self.transport.get_write_buffer_size()
        if self._budget.has_room(size, SMALL + 1):
            self._count_untaken(size)
        else:
            self.loop.call_soon(self.transport.abort)  # not from within its own call

    def resume_writing(self) -> None:
        """Go on."""
        self._count_untaken(0)
        super().resume_writing()

    def _count_untaken(self, size: int) -> None:
        self._budget.held += size - self._untaken
        self._untaken = size

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401  (uvicorn's own)
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Go on with what has arrived meanwhile."""
        super().on_response_complete()
        if self._unread or self._last_words or self._ended:
            self.loop.call_soon(self._go_on)  # not from within an answer, which another may follow at once

    def _go_on(self) -> None:
        if self.transport.is_closing() or self.pipeline:
            return
        if data := self._unread:
            self._hold(b"")
            self._unset_keepalive_if_required()
            self._feed(data)
            self.flow.resume_reading()
        if self._ended and not self._unread:
            self._forget_the_unfinished()
        if not self._answered or self._unread:
            return
        if self._last_words:
            self._refuse(*self._last_words)
        elif self._ended:
            self._close()

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn always hangs up
        """Stay to answer what was asked; False where nothing was."""
        self._ended = True
        self._hold(self._unread)
        if not self._unread:
            self._forget_the_unfinished()
            if self._answered:
                return False
        self._probing = self.loop.call_later(PROBE_S, self._probe)
        return True

    def _forget_the_unfinished(self) -> None:
        """Answer no request whose rest will not come."""
        if not self._in_body or self.cycle.response_complete:
            return
        if self.pipeline and self.pipeline[0][0] is self.cycle:
            self.pipeline.popleft()
        _forget(self.cycle)

    def _probe(self) -> None:
        """Hang up where nobody holds the other end any more."""
        running = self._running
        if self.transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.transport.abort()
            return
        if running is not None and not running.response_started and running.scope["http_version"] == "1.1":
            self.transport.write(STATUS_LINE[100] + b"\r\n")
        self._probing = self.loop.call_later(PROBE_S, self._probe)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP; uvicorn would do it in plain text."""
        self._forget_the_unfinished()
        self._refuse(400, msg)

    def _refuse(self, status: int, words: str) -> None:
        if self._answered:
            super()._refuse(status, words)
        else:  # what is said now would look like the answer to a request before
            self._last_words = status, words


def _forget(cycle: RequestResponseCycle) -> None:
    cycle.disconnected = True
    cycle.message_event.set()
    cycle.scope[BODY].release()  # type: ignore[literal-required]
