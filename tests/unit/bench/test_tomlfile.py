"""Files that people write: what is right becomes a dataclass, and everything that is wrong is told at once."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench import tomlfile
from bench.exits import UsageProblem
from bench.latency import expectations
from bench.tomlfile import Count, Positive, Words, Written


@dataclass(frozen=True)
class Step:
    load: Positive
    seconds: float


@dataclass(frozen=True)
class Kind(Written):
    blocks: Count
    title: Words = "none"
    steps: tuple[Step, ...] = ()


def load(folder: Path, text: str) -> Kind:
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    return tomlfile.load(folder / "mine.toml", Kind, "a kind of file")


def test_a_file_becomes_a_dataclass(tmp_path: Path):
    text = 'blocks = 2\ntitle = "t"\nsteps = [{ load = 1, seconds = inf }]'
    assert load(tmp_path, text) == Kind(2, "t", (Step(1.0, float("inf")),))


def test_every_mistake_is_told_at_once_with_file_and_key(tmp_path: Path):
    with pytest.raises(UsageProblem) as problem:
        load(
            tmp_path,
            'title = 2026-01-01\nsteps = [{ load = 1, seconds = 1 }, { load = 0, seconds = "1", s = 1 }]\nx = 1',
        )
    assert str(problem.value) == (
        f"{tmp_path / 'mine.toml'}: blocks is missing; steps[1].load: must be greater than 0; "
        "steps[1].seconds: must be a valid number; steps[1].s is not known here; x is not known here"
    )


def test_a_part_of_a_file_is_told_with_its_place():
    with pytest.raises(UsageProblem, match=r"^mine\.toml: quick: blocks: must be a valid integer$"):
        tomlfile.decoded({"blocks": True}, Kind, "mine.toml: quick")
    with pytest.raises(UsageProblem, match=r"^mine\.toml: quick: must be a table$"):
        tomlfile.decoded(3, Kind, "mine.toml: quick")


@pytest.mark.parametrize(
    ("text", "message"), [("a = ", "is not valid TOML"), (None, "No such file .*; a kind of file")]
)
def test_a_file_that_is_none_is_named(tmp_path: Path, text: str | None, message: str):
    with pytest.raises(UsageProblem, match=message):
        load(tmp_path, text) if text else tomlfile.load(tmp_path / "none.toml", Kind, "a kind of file")


def not_files(folder: Path) -> dict[str, Path]:
    """What can be named like a file and has no end, or no beginning."""
    os.mkfifo(folder / "pipe.toml")
    (folder / "huge.toml").write_bytes(b"#" * (tomlfile.MOST_BYTES + 1))
    (folder / "folder.toml").mkdir()
    (folder / "zero.toml").symlink_to("/dev/zero")
    return {kind: folder / f"{kind}.toml" for kind in ("pipe", "huge", "folder", "zero")}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("pipe", "it is a pipe, a socket or a device"),
        ("zero", "it is a pipe, a socket or a device"),
        ("huge", "it holds more than 1,048,576 bytes"),
        ("folder", "Is a directory"),
    ],
)
@pytest.mark.parametrize(
    "read",
    [
        lambda path: tomlfile.load(path, Kind),
        lambda path: tomlfile.read_profile(str(path), "latency", path, Kind),
        expectations.load,
    ],
)
def test_what_has_no_end_is_not_read(tmp_path: Path, kind: str, words: str, read: Callable[[Path], object]):
    with pytest.raises(UsageProblem, match=rf"{kind}\.toml cannot be read: {words}"):
        read(not_files(tmp_path)[kind])
