"""What is held is counted once, given back once, and the first to go are those who hold much and have stalled."""

import pytest

from webapp.front import budget
from webapp.front.budget import SMALL, Budget


class Somebody:
    """What the budget looks at of a connection."""

    def __init__(self) -> None:
        self.held, self.went_on = 0, 0.0


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until a test moves it."""
    time = [1000.0]
    monkeypatch.setattr(budget, "monotonic", lambda: time[0])
    monkeypatch.setattr(budget, "BUDGET", 10 * SMALL)
    return time


def test_what_is_held_is_counted_until_it_is_forgotten() -> None:
    all_of_them, one, other = Budget(), Somebody(), Somebody()
    all_of_them.hold(one, 6 * SMALL)
    all_of_them.hold(other, 4 * SMALL)
    assert not all_of_them.exceeded
    all_of_them.hold(other, 1)
    assert all_of_them.exceeded
    all_of_them.forget(one)
    all_of_them.forget(one)
    assert not all_of_them.exceeded
    assert (one.held, other.held) == (0, 4 * SMALL + 1)


def test_nobody_has_to_go_while_there_is_room(now: list[float]) -> None:
    all_of_them, one = Budget(), Somebody()
    all_of_them.hold(one, 9 * SMALL)
    now[0] += 1000
    assert all_of_them.stalled([one]) == []


def test_who_holds_much_and_has_not_gone_on_goes_first(now: list[float]) -> None:
    all_of_them = Budget()
    stalled, goes_on, drips, small = (Somebody() for _ in range(4))
    for each in (stalled, goes_on, drips):
        all_of_them.hold(each, 4 * SMALL)
    all_of_them.hold(small, SMALL)
    now[0] += budget.STALL_S + 1
    all_of_them.hold(goes_on, SMALL)
    all_of_them.hold(drips, 1)
    assert all_of_them.stalled([stalled, goes_on, drips, small]) == [stalled, drips]
