"""The serving process: the event loop, its signals, and how it ends without losing a request.

The keeper has bound the port; this process listens on it once the model is warm. Signals: SIGHUP loads the live
version, SIGUSR1 retires (a successor accepts new connections, this process serves those it has), SIGTERM drains: not
ready at once, accepting for the grace period, then only finishing.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn

from model_as_service.server.app import App
from model_as_service.server.connection import Connection
from model_as_service.server.options import Options
from model_as_service.server.repository import Repository
from vision.errors import ModelError

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 75  # longer than our client keeps a connection, so that none closes under a request
LINGER_S = 10.0  # how long a retired process waits for idle connections to be used once more
SETTLE_S = 0.2  # how long a connection that was just accepted may take to send its request, when the port closes
FINISH_S = 20
BEAT_S = 0.5
POLL_S = 0.05
READY, ALIVE = b"r", b"."
SERVES = b"<%b>"  # alive, and with which version


@dataclass(frozen=True)
class Inherited:
    """What the keeper hands over: the bound socket, and the line over which each notices that the other is gone."""

    listener: socket.socket
    lifeline: socket.socket
    before: str | None = None  # the version that the process before served


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: on SIGTERM it would stop listening at once. Says when it listens."""

    listens: asyncio.Event

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self.listens.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to us."""
        yield


class Serving:
    """One serving process. `run` returns when it has drained."""

    def __init__(self, options: Options, inherited: Inherited) -> None:
        self._options, self._inherited = options, inherited
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = False

    def run(self) -> None:
        """Load, serve, drain. Raises ModelError where the first model cannot be had."""
        factory = uvicorn.Config("", loop="auto", log_config=None).get_loop_factory()
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        repository = Repository(self._options)
        if self._inherited.before is None:
            repository.load_first()
        else:
            await repository.load_after(self._inherited.before)
        gc.collect()
        gc.freeze()  # what is here by now is no garbage; looking through it would be a pause for everybody
        self._app = App(self._options, repository, decoders=_cores() - 1)
        config = uvicorn.Config(
            self._app, http=Connection, ws="none", lifespan="off", proxy_headers=False,
            log_config=None, log_level="warning", access_log=False, date_header=False, server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S, timeout_graceful_shutdown=FINISH_S,
        )  # fmt: skip
        self._server = _Server(config)
        self._server.listens = asyncio.Event()
        self._on(signal.SIGHUP, self._reload)
        self._on(signal.SIGUSR1, self._retire)
        for number in (signal.SIGTERM, signal.SIGINT):
            self._on(number, self._drain)
        self._start(self._watch())
        self._start(self._beat())
        # uvloop would serve nobody and say nothing where another server began to listen there after we bound the port.
        self._inherited.listener.listen(config.backlog)
        self._port = self._inherited.listener.dup()  # now: to close the port must not fail for want of a descriptor
        await self._server.serve([self._inherited.listener])
        self._app.close()

    def _on(self, number: int, action: Any) -> None:  # noqa: ANN401
        asyncio.get_running_loop().add_signal_handler(number, lambda: self._start(action()))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop itself holds its tasks weakly
        task.add_done_callback(self._tasks.discard)

    async def _reload(self) -> None:
        try:
            await self._app.repository.load_live()
            self._say_alive()
        except ModelError as error:
            log.error("the version before stays: %s", error)  # noqa: TRY400  (our own words, no traceback)

    async def _retire(self) -> None:
        """Leave new connections to the successor, and end each old one with its next answer."""
        self._app.draining = True
        self._stop_listening()
        await self._unused(LINGER_S)
        self._server.should_exit = True

    async def _drain(self) -> None:
        if self._ending:
            return
        self._ending = True
        self._app.draining = True
        await asyncio.sleep(self._options.drain_grace_s)
        await self._close_port()
        await self._unused(SETTLE_S)
        self._server.should_exit = True

    async def _unused(self, seconds: float) -> None:
        """Wait until there is no connection any more, at most so long."""
        deadline = asyncio.get_running_loop().time() + seconds
        # uvicorn's set of connections tells nobody when it shrinks.
        while self._server.server_state.connections and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)

    def _stop_listening(self) -> None:
        for server in self._server.servers:
            server.close()

    async def _close_port(self) -> None:
        """Have the kernel refuse connections: the keeper's socket would still take some, which nobody would answer."""
        with self._port as listener:
            self._stop_listening()
            listener.setblocking(False)  # noqa: FBT003
            accepted = list(_accept(listener))  # those that wait in the kernel would be reset
            with contextlib.suppress(OSError):  # another process that drains was quicker
                listener.shutdown(socket.SHUT_RDWR)
        for connection in accepted:
            await asyncio.get_running_loop().connect_accepted_socket(self._connection, connection)

    def _connection(self) -> Connection:
        return Connection(config=self._server.config, server_state=self._server.server_state, app_state={})

    async def _watch(self) -> None:
        """Drain when the keeper is gone: nobody would ever end this process."""
        lifeline = self._inherited.lifeline
        lifeline.setblocking(False)  # noqa: FBT003
        with contextlib.suppress(ConnectionResetError):  # it was killed before it had read what we said
            while await asyncio.get_running_loop().sock_recv(lifeline, 1):
                pass
        await self._drain()

    async def _beat(self) -> None:
        """Tell the keeper that this process is ready, and then again and again that loop and model are alive."""
        await self._server.listens.wait()
        self._say(READY)
        self._say_alive()
        while True:
            await asyncio.sleep(BEAT_S)
            self._say_alive()

    def _say_alive(self) -> None:
        repository = self._app.repository
        if self._app.scheduler.hangs:
            return
        self._say(SERVES % repository.find(repository.options.model).number.encode() if repository.ready else ALIVE)

    def _say(self, words: bytes) -> None:
        with contextlib.suppress(OSError):  # the keeper is gone, which `_watch` notices
            self._inherited.lifeline.send(words)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _accept(listener: socket.socket) -> Iterator[socket.socket]:
    with contextlib.suppress(OSError):  # no more of them
        while True:
            yield listener.accept()[0]
