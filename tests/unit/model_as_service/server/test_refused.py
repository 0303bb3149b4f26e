"""Refusals: HTTP knows whole seconds to wait, and none is not an invitation."""

import pytest

from model_as_service.server.refused import Refused, short, shown


@pytest.mark.parametrize(("seconds", "said"), [(None, None), (0.0, 1), (0.2, 1), (1.0, 1), (1.01, 2), (59.5, 60)])
def test_to_come_back_is_said_in_whole_seconds(seconds: float | None, said: int | None) -> None:
    assert Refused("words", 503, retry_after=seconds).retry_after == said


LONG = "\u0080" * 1_000_000


@pytest.mark.parametrize(
    "value",
    [LONG, [LONG], [[LONG] * 5] * 5, {LONG: LONG}, {"a": {"b": [LONG]}}, list(range(10_000)), 1e308, None, True],
)
def test_what_is_repeated_to_a_client_is_short(value: object) -> None:
    assert len(shown(value)) <= 53


def test_what_is_short_is_repeated_as_it_is() -> None:
    assert [shown(value) for value in ("nothing", 5, None, "it's")] == ["'nothing'", "5", "None", '"it\'s"']
    assert (short("efficientnet-lite"), short("x" * 51)) == ("efficientnet-lite", "x" * 50 + "...")
