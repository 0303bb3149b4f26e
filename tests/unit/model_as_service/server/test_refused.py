"""Refusals: HTTP knows whole seconds to wait, and none is not an invitation."""

import pytest

from model_as_service.server.refused import Refused


@pytest.mark.parametrize(("seconds", "said"), [(None, None), (0.0, 1), (0.2, 1), (1.0, 1), (1.01, 2), (59.5, 60)])
def test_to_come_back_is_said_in_whole_seconds(seconds: float | None, said: int | None) -> None:
    assert Refused("words", 503, retry_after=seconds).retry_after == said
