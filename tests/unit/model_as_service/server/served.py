"""The whole application behind uvicorn and our own protocol class, on a real port and a thread of its own."""

import asyncio
import http.client
import socket
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self

import httpx2
import uvicorn

from model_as_service.server.app import App
from model_as_service.server.connection import Connection
from model_as_service.server.options import Options
from model_as_service.server.repository import Repository, Version


def options(**named: Any) -> Options:
    return Options(**{"models": Path("models"), "model": "fake", "deadline_s": 10.0} | named)


class Served:
    """Context manager. The application is `app`, an HTTP client for it `client`."""

    app: App

    def __init__(self, *versions: Version, decoders: int = 0, **named: Any) -> None:
        self._versions, self._options, self._decoders = [*versions], options(**named), decoders
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._built = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._built.wait(10)
        host, port = self.address
        self.client = httpx2.Client(base_url=f"http://{host}:{port}", timeout=10, trust_env=False)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._listener.close()

    def connect(self) -> socket.socket:
        """Open a connection of one's own, to misbehave on."""
        connection = socket.create_connection(self.address)
        connection.settimeout(10)
        return connection

    @staticmethod
    def answer_on(connection: socket.socket) -> tuple[http.client.HTTPResponse, bytes]:
        """Read one answer."""
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer, answer.read()

    def on_loop(self, work: Coroutine[Any, Any, object]) -> object:
        """Run something where the application runs."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvicorn.Config("", log_config=None).get_loop_factory()) as runner:
            runner.run(self._main())  # on the event loop of the real server

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        repository = Repository(self._options)
        while self._versions:  # those that are unloaded are not kept here
            version = self._versions.pop(0)
            repository._served.setdefault(version.name, {})[version.number] = version
        version = None
        self.app = App(self._options, repository, decoders=self._decoders)
        config = uvicorn.Config(
            self.app, http=Connection, ws="none", lifespan="off", proxy_headers=False, log_config=None,
            access_log=False, date_header=False, server_header=False, timeout_graceful_shutdown=5,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._built.set()
        await self._server.serve([self._listener])
        self.app.close()
