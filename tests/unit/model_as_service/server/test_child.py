"""What the keeper understands of what a serving process says, however it is cut."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from model_as_service.server import child as module
from model_as_service.server.child import Child


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    """One that says nothing by itself."""
    monkeypatch.setattr(module.sys, "executable", "/bin/true")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        child = Child([], listener, 1.0)
    child.process.wait()
    ours, theirs = socket.socketpair()
    child.lifeline.close()
    child.lifeline, child.theirs = ours, theirs  # type: ignore[attr-defined]
    with closing(ours), closing(theirs):
        yield child


@pytest.mark.parametrize(
    ("words", "version"),
    [
        ([b"r"], None),
        ([b"r."], None),
        ([b"r<1>"], "1"),
        ([b"r", b"<1>", b"<1><2-rc.1>"], "2-rc.1"),
        ([b"r<", b"1", b"0>."], "10"),
        ([b"r<1>", b"<2"], "1"),
        ([b"r" + b"<1>" * 5000, b"<22>"], "22"),
    ],
)
def test_the_version_that_it_serves(child: Child, words: list[bytes], version: str | None) -> None:
    for piece in words:
        child.theirs.sendall(piece)  # type: ignore[attr-defined]
        assert child.listen()
    while child.version != version:
        assert child.listen()
    assert (child.ready, child.version) == (True, version)


def test_one_that_is_gone(child: Child) -> None:
    child.theirs.close()  # type: ignore[attr-defined]
    assert not child.listen()
    assert (child.ready, child.version) == (False, None)
