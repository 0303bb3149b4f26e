"""The live stacks: each variant started as `stack.toml` says, on either database, once for all tests that ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from bench.stacks.running import Place, RunningStack
from bench.stacks.stack import find

VARIANTS = [stack.name for stack in find([])]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def live_database(request: pytest.FixtureRequest, variant: str) -> Iterator[str]:
    """The value of SWEETSPOT_DATABASE_URL: none means SQLite."""
    if request.param == "sqlite":
        yield ""
        return
    server: Engine = request.getfixturevalue("postgres")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE live_{variant}"))
    yield server.url.set(database=f"live_{variant}").render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE live_{variant} WITH (FORCE)"))


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def live_stack(
    variant: str, live_database: str, catalogue: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningStack]:
    """A running variant; its photos are the catalogue's."""
    [stack] = find([variant])
    folder = tmp_path_factory.mktemp(variant)
    place = Place(data=folder / "data", logs=folder / "logs", photos=catalogue)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEETSPOT_DATABASE_URL", live_database)
        patch.setenv("SWEETSPOT_DEADLINE_MS", "5000")  # these tests are about answers, on a machine of any speed
        with RunningStack(stack, place) as running:
            yield running
            running.check()


@pytest.fixture
def url(live_stack: RunningStack) -> str:
    return live_stack.base_url
