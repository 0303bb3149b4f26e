"""Who decodes when: the order, and what becomes of the turn of somebody who leaves."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from model_as_service.server.decoder_turn import DecoderTurn
from model_as_service.server.lanes import BULK, INTERACTIVE


def play(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 10))


async def take(turn: DecoderTurn, lane: int, name: str, order: list[str]) -> None:
    await turn.take(lane)
    order.append(name)
    turn.give()


def test_people_first_and_in_order_of_arrival() -> None:
    async def scenario() -> None:
        turn, order = DecoderTurn(), list[str]()
        await turn.take(BULK)
        waiting = [(BULK, "job 1"), (INTERACTIVE, "person 1"), (BULK, "job 2"), (INTERACTIVE, "person 2")]
        async with asyncio.TaskGroup() as tasks:
            for lane, name in waiting:
                tasks.create_task(take(turn, lane, name, order))
            await asyncio.sleep(0)  # each of them waits
            turn.give()
        assert order == ["person 1", "person 2", "job 1", "job 2"]
        await turn.take(BULK)  # it is free again

    play(scenario())


def test_who_leaves_has_no_turn_not_even_where_it_comes_in_the_same_moment() -> None:
    async def scenario() -> None:
        turn, order = DecoderTurn(), list[str]()
        await turn.take(INTERACTIVE)
        leaves, late, stays = (asyncio.create_task(take(turn, INTERACTIVE, name, order)) for name in ("a", "b", "c"))
        await asyncio.sleep(0)
        leaves.cancel()
        await asyncio.wait([leaves])
        turn.give()
        late.cancel()
        with suppress(asyncio.CancelledError):
            await late
        await stays
        assert order == ["c"]

    play(scenario())
