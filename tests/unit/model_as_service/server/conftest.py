"""A fake model and its server, for all tests of a module."""

from collections.abc import Iterator

import pytest

from tests.unit.model_as_service.server.fakes import FakeModel, loaded
from tests.unit.model_as_service.server.served import Served


@pytest.fixture(scope="module")
def model() -> FakeModel:
    return FakeModel()


@pytest.fixture(scope="module")
def served(model: FakeModel) -> Iterator[Served]:
    with Served(loaded(model)) as server:
        yield server
