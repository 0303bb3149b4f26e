"""How long a connection may stay in each of its states. Whatever a client has begun and does not go on with, ends.

    head     HEAD_S from its first byte, or from the opening of the connection     408
    body     BODY_S from its head                                                  408 by the application, or closed
                                                                                   where it was answered without it
    answer   WRITE_S in which the client takes nothing of it                       closed
    between  uvicorn's keep-alive                                                  closed

Each state begins when the one before ends, and no client can make one of them begin again.
"""

from asyncio import TimerHandle, Transport
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from model_as_service.server import bodies
from model_as_service.server.writing import JSON, Headers

HEAD_S = 10.0
WRITE_S = 20.0


class Timed(HttpToolsProtocol):
    """uvicorn's connection, with a clock for every state in which it waits for its client."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401  (uvicorn's own)
        super().__init__(*arguments, **named)
        self._in_head, self._in_body = True, False  # of what is being read
        self._running: RequestResponseCycle | None = None  # the exchange in progress, or the last one
        self._late: TimerHandle | None = None
        self._stuck: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._set_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all clocks."""
        self._stop_clock()
        self._unstuck()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._in_head = True

    def _end_head(self) -> None:
        """Whatever it says."""
        self._in_head = False
        self._stop_clock()

    def on_message_complete(self) -> None:
        """End a request."""
        self._in_body = False
        self._stop_clock()
        super().on_message_complete()

    @property
    def _answered(self) -> bool:
        """Whether nobody waits for an answer here any more."""
        running = self._running
        return not self.pipeline and (running is None or running.response_complete or running.disconnected)

    def _set_clock(self) -> None:
        """Bound what the client has begun, after each piece that it has sent."""
        if self._in_head or self._in_body:
            if self._late is None:
                seconds, late = (HEAD_S, self._head_late) if self._in_head else (bodies.BODY_S, self._body_late)
                self._late = self.loop.call_later(seconds, late)
        elif self._answered and self.timeout_keep_alive_task is None:
            # The rest of a body that nobody read has stopped it, or an empty line.
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _stop_clock(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _head_late(self) -> None:
        self._late = None
        if self._answered:
            self._refuse(408, f"the request's headers did not arrive within {HEAD_S:.0f} s")
        else:
            self._set_clock()  # or it would look like the answer to the request before

    def _body_late(self) -> None:
        self._late = None
        if self._answered:
            self._close()
        else:
            self._set_clock()  # the application waits for it, and has a clock of its own

    # --- answers that the client does not take ---

    def pause_writing(self) -> None:
        """Give the client some time to read: the transport holds as much as it likes to."""
        super().pause_writing()
        self._give_up_later()

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        self._unstuck()

    def on_response_complete(self) -> None:
        """Bound how long the end of a connection may take."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._give_up_later()

    def timeout_keep_alive_handler(self) -> None:
        """End a connection that nobody uses."""
        self._close()

    def _close(self) -> None:
        """Hang up once the client has read what was written, or does not go on reading."""
        self.transport.close()
        self._give_up_later()

    def _give_up_later(self) -> None:
        if self._stuck is None:
            self._stuck = self.loop.call_later(WRITE_S, self.transport.abort)

    def _unstuck(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    # --- answers that need no application ---

    def _refuse(self, status: int, words: str) -> None:
        headers = [(b"content-type", JSON), (b"connection", b"close")]
        if status == 503:  # noqa: PLR2004
            headers.append((b"retry-after", b"1"))
        self._write(status, orjson.dumps({"error": words}), headers)
        self._close()

    def _write(self, status: int, body: bytes, headers: Headers) -> None:
        lines = (b"%s: %s\r\n" % header for header in (*headers, (b"content-length", b"%d" % len(body))))
        self.transport.write(b"".join((STATUS_LINE[status], *lines, b"\r\n", body)))
