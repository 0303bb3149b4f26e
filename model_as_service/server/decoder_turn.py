"""The one turn at decoding a large photo: people before batch jobs, and in order of arrival among themselves.

Only the event loop uses it.
"""

import asyncio
from collections import deque


class DecoderTurn:
    """One has it, the others wait in two lanes."""

    def __init__(self) -> None:
        self._taken = False
        self._lanes: tuple[deque[asyncio.Future[None]], ...] = (deque(), deque())

    async def take(self, lane: int) -> None:
        """Wait for the turn; who is cancelled meanwhile does not have it."""
        if not self._taken:
            self._taken = True
            return
        mine = asyncio.get_running_loop().create_future()
        self._lanes[lane].append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():  # it came in the same moment
                self.give()
            raise

    def give(self) -> None:
        """Leave it to the next one."""
        for lane in self._lanes:
            while lane:
                if not (following := lane.popleft()).done():
                    following.set_result(None)
                    return
        self._taken = False
