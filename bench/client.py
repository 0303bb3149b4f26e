"""The HTTP client under Locust's FastHttpUser: one attempt per request, counted. Only the locust process imports this.

geventhttpclient sends a request again when the connection breaks before the first byte, up to pool size + 1 times
and whatever `max_retries` says (geventhttpclient/client.py, HTTPClient.request). That would hide crashes of the system
under test, and repeat the very request that caused them.
"""

import socket
from typing import Any

import gevent
import geventhttpclient.response
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.response import HTTPConnectionClosed, HTTPSocketPoolResponse
from geventhttpclient.url import URL


class CountingConnections(ConnectionPool):
    """Counts the connections opened; a new one costs time within a request, so the run reports how many there were."""

    opened = 0

    def after_connect(self, sock: Any) -> None:  # noqa: ANN401 - gevent has no types
        """Count, and send small requests at once instead of waiting for more to send."""
        self.opened += 1
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class SingleAttemptClient(HTTPClient):
    """Sends each request exactly once. Only for requests with a body of bytes or none, which is all that we send."""

    sent = 0

    def __init__(self, host: str, port: int, concurrency: int, timeout_s: float) -> None:
        super().__init__(host, port=port, concurrency=concurrency)
        self._connection_pool: CountingConnections = CountingConnections(
            host, port, host, port,
            size=concurrency, connection_timeout=timeout_s, network_timeout=timeout_s, disable_ipv6=True,
        )  # fmt: skip

    @property
    def connections(self) -> int:
        """How many connections were opened so far."""
        return self._connection_pool.opened

    def request(
        self,
        method: str,
        request_uri: str,
        body: Any = b"",  # noqa: ANN401 - the parent's type is wider than what we accept
        headers: Any = None,  # noqa: ANN401
    ) -> HTTPSocketPoolResponse:
        """Send once and read the head of the answer. A broken connection is an error, never a second try."""
        content = body or b""
        head = self._build_request(method, request_uri, body=content, headers=headers, chunked=False)
        connection = self._connection_pool.get_socket()
        try:
            self.sent += 1
            connection.sendall(head.encode("latin-1") + content)
        except BaseException:  # also the deadline: a connection that is not given back would shrink the pool for ever
            self._connection_pool.release_socket(connection)
            raise
        response = HTTPSocketPoolResponse(
            connection, self._connection_pool, block_size=self.block_size, method=method, headers_type=self.headers_type
        )
        response._sent_request = head  # noqa: SLF001 - Locust's agent asks for it
        return response


class OneHostPool(HTTPClientPool):
    """What FastHttpUser takes as `client_pool`: always the same single-attempt client."""

    def __init__(self, url: str, concurrency: int, timeout_s: float) -> None:
        super().__init__()
        target = URL(url)
        if target.port is None:
            raise ValueError(f"{url} names no port")
        self.client = SingleAttemptClient(target.host, target.port, concurrency, timeout_s)
        self.clients[(target.host, target.port)] = self.client

    def get_client(self, url: str | URL) -> HTTPClient:  # noqa: ARG002 - there is one host
        """Return the one client."""
        return self.client


def outcome_of(error: BaseException) -> str:
    """Name what became of a request without a full answer: `timeout`, `reset` (the connection failed) or `error`."""
    cause = getattr(error, "original", None) or error  # geventhttpclient wraps some
    if isinstance(cause, gevent.Timeout | TimeoutError):
        return "timeout"
    broken = (ConnectionError, HTTPConnectionClosed, geventhttpclient.response.HTTPParseError)
    return "reset" if isinstance(cause, broken) else "error"
