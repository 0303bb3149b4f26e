"""gunicorn's worker with threads, where a thread gets only requests that are here in full, and waits for no client.

    listener ─► receive ─► [thread: parse, application] ─► send ─► receive the next one, or linger and close

All that waits for a client happens in the worker's poller, each wait with its own time; a client that sends or reads a
byte at a time, or nothing at all, costs a descriptor and no thread. gunicorn does the rest as ever: processes, signals,
parsing, graceful restarts (docs/adr/0015).
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from time import monotonic
from typing import TYPE_CHECKING, Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER

from webapp.front.arrival import Arrival
from webapp.front.budget import SMALL, Budget, descriptors
from webapp.front.refusals import REFUSALS
from webapp.front.starting import PatientWorker
from webapp.front.visitor import CONTINUE, PIECE, Visitor, Wait

if TYPE_CHECKING:
    from concurrent.futures import Future

SPARE_FILES = 64  # descriptors that are no connections
# Seconds for a head, from its first byte or the opening of the connection; for the rest of a request, and again for
# each further 16 KB of it; for a piece of an answer to be read; and, after the last answer, for a client to close or to
# send more of what nobody wants. Nobody else waits meanwhile, so uplinks may be slow.
HEAD_S, BODY_S, SEND_S, LINGER_S = 10.0, 60.0, 60.0, 2.0
UNWANTED = 64 * 1024 * 1024  # bytes that are read so that a client sees why they are not wanted; then it is cut off


class BufferingWorker(PatientWorker):
    """See above. What has no underscore is called by gunicorn."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401
        super().__init__(*arguments, **named)
        self.worker_connections: int = max(1, min(self.cfg.worker_connections, descriptors() - SPARE_FILES))
        self._budget = Budget()
        self._idle = Wait(EVENT_READ, self.cfg.keepalive, self._receive, self._drop)
        self._head = Wait(EVENT_READ, HEAD_S, self._receive, partial(self._refuse, status=408))
        self._body = Wait(EVENT_READ, BODY_S, self._receive, partial(self._refuse, status=408))
        self._answer = Wait(EVENT_WRITE, SEND_S, self._send, self._drop)
        self._end = Wait(EVENT_READ, LINGER_S, self._linger, self._drop)

    @property
    def _waits(self) -> tuple[Wait, ...]:
        return self._idle, self._head, self._body, self._answer, self._end

    def accept(self, listener: socket.socket) -> None:
        """Take a new connection."""
        try:
            client, address = listener.accept()
            visitor = Visitor(self.cfg, client, address, listener.getsockname())
        except (OSError, MemoryError):  # another worker was quicker, the client is gone, or there is no room for it
            return
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections:
            self._make_room()
        self._do(self._welcome, visitor)

    def finish_request(self, visitor: Visitor, done: "Future[bool]") -> None:
        """Take a connection back from its thread."""
        self._do(partial(self._finished, done=done), visitor)

    def murder_keepalived(self, *, force: bool = False) -> None:
        """End what takes too long, or everything."""
        now = monotonic()
        for wait in self._waits:
            while wait.visitors and (force or next(iter(wait.visitors)).by <= now):
                self._do(self._drop if force else wait.late, next(iter(wait.visitors)))

    def _cap_keepalive(self, deadline: float) -> None:
        for visitor in self._idle.visitors:
            visitor.by = min(visitor.by, deadline)

    def _do(self, action: Callable[[Visitor], None], visitor: Visitor) -> None:
        """Do something for a visitor. Whatever fails, nobody but that visitor is given up."""
        if visitor.gone:
            return
        try:
            action(visitor)
        except Exception:
            self.log.exception("a connection is given up")
            self._drop(visitor)

    def _welcome(self, visitor: Visitor) -> None:
        self._wait(visitor, self._head)
        self._receive(visitor)

    def _finished(self, visitor: Visitor, done: "Future[bool]") -> None:
        answered = not done.cancelled() and done.exception() is None and done.result()
        visitor.again = bool(answered) and not visitor.arrival.cut
        self._budget.forget(visitor)
        self._send(visitor)
        if visitor.wait is self._answer:
            self._budget.hold(visitor, visitor.sock.unsent)
            for reader in [*self._answer.visitors][:-1] if self._budget.exceeded else ():
                self._drop(reader)
                if not self._budget.exceeded:
                    break

    def _wait(self, visitor: Visitor, wait: Wait | None) -> None:
        """Have the poller wait for something, in place of what it has waited for."""
        before, visitor.wait = visitor.wait, wait
        if before:
            del before.visitors[visitor]
        if wait:
            wait.visitors[visitor] = None
            visitor.by = monotonic() + wait.seconds
        if before and wait and before.event == wait.event:
            return  # the poller asks which wait it is when the event comes
        if before:
            self.poller.unregister(visitor.sock.real)
        if wait:
            self.poller.register(visitor.sock.real, wait.event, partial(self._wake, visitor))

    def _wake(self, visitor: Visitor, _socket: socket.socket) -> None:
        if visitor.wait:
            self._do(visitor.wait.then, visitor)

    def _receive(self, visitor: Visitor) -> None:
        """Take what has come; once a request is whole, a thread gets it."""
        try:
            received = visitor.sock.real.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            self._drop(visitor)
            return
        if received:
            self._take(visitor, received)
        elif visitor.held:  # all that ever comes: gunicorn says what is wrong with it
            visitor.arrival.cut = True
            self._serve(visitor)
        else:
            self._drop(visitor)

    def _take(self, visitor: Visitor, received: bytes) -> None:
        arrival = visitor.arrival
        had, had_head = visitor.held, arrival.head_whole
        arrival.feed(received)
        went_on = self._budget.hold(visitor, len(received))
        for other in self._budget.stalled(self._body.visitors):
            if other is not visitor:
                self._refuse(other, status=408)
        if arrival.done:
            self._serve(visitor)
        elif self._budget.exceeded and visitor.held > SMALL:
            self._refuse(visitor, status=503)
        elif arrival.head_whole and (went_on or not had_head):
            self._wait(visitor, self._body)
            if arrival.expects and not had_head:
                with suppress(OSError):  # it is noticed when more is read
                    visitor.sock.real.send(CONTINUE)
        elif not had:
            self._wait(visitor, self._head)

    def _serve(self, visitor: Visitor) -> None:
        self._wait(visitor, None)
        visitor.sock.arrive(visitor.arrival.take())
        self.enqueue_req(visitor)

    def _send(self, visitor: Visitor) -> None:
        """Send what is left of an answer, as fast as the client takes it, and go on to what comes next."""
        try:
            sent = visitor.sock.flush()
        except OSError:
            self._drop(visitor)
            return
        if not sent:
            self._wait(visitor, self._answer)  # anew, for it has read a piece
            return
        self._budget.forget(visitor)
        if visitor.again:
            self._next(visitor)
        else:
            with suppress(OSError):
                visitor.sock.real.shutdown(socket.SHUT_WR)
            self._wait(visitor, self._end)

    def _next(self, visitor: Visitor) -> None:
        """Wait for the next request, of which something may be here already."""
        ahead = visitor.parser.unreader.take_buffered() + visitor.sock.recv(-1)
        visitor.arrival = Arrival()
        self._wait(visitor, self._idle)
        if not self.alive:
            visitor.by = min(visitor.by, monotonic() + STOP_KEEPALIVE_LINGER)
        if ahead:
            self._take(visitor, ahead)

    def _refuse(self, visitor: Visitor, status: int) -> None:
        """Answer without a thread, and end the connection; who has sent nothing is owed nothing."""
        if not visitor.held:
            self._drop(visitor)
            return
        self._budget.forget(visitor)
        visitor.again = False
        with suppress(OSError):
            visitor.sock.sendall(REFUSALS[status])
        self._wait(visitor, None)
        self._send(visitor)

    def _linger(self, visitor: Visitor) -> None:
        """Read what nobody wants until the client has read the answer and closes; else the kernel would cut it off."""
        try:
            unwanted = len(visitor.sock.real.recv(PIECE))
        except BlockingIOError:
            return
        except OSError:
            unwanted = 0
        visitor.unwanted += unwanted
        if unwanted and visitor.unwanted < UNWANTED:
            self._wait(visitor, self._end)
        else:
            self._drop(visitor)

    def _make_room(self) -> None:
        """Part with whoever has waited longest, those first who have least to lose."""
        for wait in (self._end, self._idle, self._head, self._body, self._answer):
            if wait.visitors:
                self._drop(next(iter(wait.visitors)))
                return

    def _drop(self, visitor: Visitor) -> None:
        if visitor.gone:
            return
        self._budget.forget(visitor)
        with suppress(KeyError, ValueError, OSError):  # the poller does not know it
            self._wait(visitor, None)
        self.nr_conns -= 1
        visitor.close()
