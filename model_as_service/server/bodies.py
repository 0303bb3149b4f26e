"""The bodies of requests: how one is read, and how many bytes all of them together may be while the process holds them.

Every byte is counted when it arrives (`Connection.on_body`), and until its request has been answered. A body for which
there is no room is refused, at once if its length says so, and what still comes of it is thrown away. Large bodies
leave a share to small ones, and batch jobs a share to people.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from model_as_service.server.refused import Abandoned, Refused, shown
from model_as_service.server.writing import Headers

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

BODY = "sweetspot.body"  # in the scope: the `Body` of the request
MAX_BODY = 48 * 1024 * 1024
BODY_S = 10.0  # a body that takes longer to arrive holds a connection for nothing
SMALL = 1 << 20  # as nearly every photo is
RETRY_S = 1.0
CODINGS = {b"content-encoding": b"identity", b"transfer-encoding": b"chunked"}


class Budget:
    """Bytes, for the whole process. Only the event loop counts."""

    def __init__(self, total: int) -> None:
        self.total, self.for_large, self.for_bulk = total, total * 3 // 4, total // 2
        self.held = self.bulk = 0

    def has_room(self, more: int, size: int = 0) -> bool:
        """Tell whether a body that is or will be of that size may have so many bytes more."""
        return self.held + more <= (self.total if size <= SMALL else self.for_large)

    @property
    def largest(self) -> int:
        """How large a body may be."""
        return min(MAX_BODY, self.for_large)


class Body:
    """What one request has of the budget. `whole`: it has arrived in full."""

    __slots__ = ("_announced", "_budget", "_bulk", "_coding", "_over", "_size", "whole")

    def __init__(self, budget: Budget, headers: Headers) -> None:
        self._budget = budget
        self._size = self._bulk = self._announced = 0
        self._coding: bytes | None = None
        self._over = self.whole = False
        for name, value in headers:
            if name == b"content-length":
                self._announced = int(value or b"0")  # the parser has seen to the rest
            elif name in CODINGS and value.strip().lower() not in {CODINGS[name], b""}:
                self._coding = value

    def take(self, count: int) -> bool:
        """Count bytes that have arrived; False where they are to be thrown away.

        Who is over makes room at once: of many large bodies that come together, as many as there is room for get in.
        """
        if self._over or not self._budget.has_room(count, self._size + count):
            self._over = True
            self.release()
            return False
        self._size += count
        self._budget.held += count
        return True

    def is_bulk(self) -> None:
        """Count it as a batch job's, which waits for long; raises Refused where these hold enough."""
        budget = self._budget
        if budget.bulk + self._size > budget.for_bulk:
            raise _no_room("batch jobs")
        self._bulk = self._size
        budget.bulk += self._size

    def release(self) -> None:
        """Give back what it has; nothing of it is kept any more."""
        self._budget.held -= self._size
        self._budget.bulk -= self._bulk
        self._size = self._bulk = 0

    async def read(self, receive: Receive) -> bytes:
        """Return it, once it is here in full; raises Refused, Abandoned."""
        self._admit()
        if self.whole:  # then nothing has to be waited for, and no clock set
            return (await self._chunk(receive))[0]
        chunks, size, more = [], 0, True
        try:
            async with asyncio.timeout(BODY_S):
                while more:
                    chunk, more = await self._chunk(receive)
                    size += len(chunk)
                    if size > self._budget.largest:
                        raise self._too_large()
                    chunks.append(chunk)
        except TimeoutError:
            raise Refused(f"the body did not arrive within {BODY_S:.0f} s", 408, reason="slow_client") from None
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _admit(self) -> None:
        """Judge it by what its head says."""
        if self._coding is not None:
            words = f"a body with the coding {shown(self._coding.decode('latin-1'))} is not read here; send it as it is"
            raise Refused(words, 415, reason="coding")
        if self._announced > self._budget.largest:
            raise self._too_large()
        missing = self._announced - self._size
        if self._over or not (self.whole or self._budget.has_room(missing, self._announced)):
            raise _no_room("requests")

    async def _chunk(self, receive: Receive) -> tuple[bytes, bool]:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Abandoned
        if self._over:
            raise _no_room("requests")
        return message["body"], message["more_body"]

    def _too_large(self) -> Refused:
        return Refused(f"the body is larger than {self._budget.largest:,} bytes", 413, reason="too_large")


def _no_room(whose: str) -> Refused:
    words = f"the bodies of other {whose} take all the memory that there is for them; try again in a moment"
    return Refused(words, 503, reason="body_budget", retry_after=RETRY_S)
