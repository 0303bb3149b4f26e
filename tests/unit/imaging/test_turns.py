"""One large photo at a time, few in line, and nobody waits for longer than he said."""

import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import numpy as np
import pytest

from imaging import decode, turns
from imaging.decode import read
from imaging.errors import Busy
from imaging.turns import turn
from tests.processes import wait_for
from tests.unit.imaging import bombs

LARGE = bombs.png(3000, 3000)


def test_one_at_a_time() -> None:
    inside, most = [0], [0]

    def work(_: int) -> None:
        with turn():
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(200)))
    assert most == [1]


def test_who_cannot_have_the_turn_in_time_is_told_so() -> None:
    with turn(), pytest.raises(Busy, match="try again"), turn(by=monotonic()):
        pass


def line_is_full() -> None:
    assert turns._line._value == 0


def test_who_has_the_turn_for_too_long_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not turns.overruns()
    with turn():
        assert not turns.overruns()
        monkeypatch.setattr(turns, "OVERRUN_S", 0.0)
        wait_for(noticed)
    assert not turns.overruns()


def noticed() -> None:
    assert turns.overruns()


def test_only_a_few_stand_in_line() -> None:
    leave = threading.Event()

    def stand() -> None:
        with turn(by=monotonic() + 60):
            leave.wait(60)

    with ThreadPoolExecutor(1 + turns.WAITING) as pool:
        standing = [pool.submit(stand) for _ in range(1 + turns.WAITING)]
        wait_for(line_is_full)
        try:
            with pytest.raises(Busy), turn(by=monotonic() + 60):
                pass
        finally:
            leave.set()
        assert [each.result() for each in standing] == [None] * 3


def test_a_large_photo_takes_the_turn_and_a_small_one_does_not() -> None:
    with turn():
        with pytest.raises(Busy):
            read(LARGE, 64, np.copy, by=monotonic())
        assert read(bombs.png(40, 30), 64, np.copy, by=monotonic()).shape == (30, 40, 3)
    assert read(LARGE, 64, np.shape, by=monotonic()) == (3000, 3000, 3)


def test_memory_is_given_back_after_a_large_photo_only(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    monkeypatch.setattr(decode, "give_back", lambda: given.append(True))

    read(bombs.png(40, 30), 64, np.copy)
    assert not given
    read(LARGE, 64, np.copy)
    assert given
