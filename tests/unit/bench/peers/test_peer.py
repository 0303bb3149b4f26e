"""What the files of the peers say, ours and wrong ones."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

from bench.exits import UsageProblem
from bench.peers import peer
from tests.conftest import ROOT
from tests.unit.bench.peers.peers import TOML, toy

NAMES = ["bentoml", "fastapi", "kserve", "litserve", "mlserver", "ray", "sweetspot"]
OURS = ("fastapi", "sweetspot")
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z]+\])?==([^\s;\\]+)", re.MULTILINE)


def pins(path: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, release in PIN.findall(path.read_text()):
        found.setdefault(name, set()).add(release)
    return found


def test_all_are_found_in_the_order_of_names_or_those_that_are_named_in_theirs():
    assert [each.name for each in peer.find()] == NAMES
    assert [each.name for each in peer.find(["sweetspot", "fastapi", "sweetspot"])] == ["sweetspot", "fastapi"]


def test_an_unknown_peer_is_told_what_is_known(tmp_path: Path):
    toy(tmp_path / "a")
    with pytest.raises(UsageProblem, match="unknown peer 'x': known are a"):
        peer.find(["a", "x"], root=tmp_path)


def test_a_peer_is_what_its_file_says(tmp_path: Path):
    mine = toy(tmp_path / "mine")
    assert (mine.name, mine.title, mine.release, mine.form) == ("mine", "Toy", "1.0", "the simplest")
    assert (mine.folder, mine.ready, mine.env) == (tmp_path / "mine", "/ready/{model}", {"SEEN": "{models}"})
    assert mine.run[0] == "{python}"
    assert mine.request == peer.Request("raw", "/classify/{model}")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("title =", "titel ="), "title is missing"),
        (('"Toy"', "3"), "title: must be a valid string"),
        (('"the simplest"', '""'), "form: must not be empty"),
        (('"{port}"', '"{prot}"'), "run[2]: unknown field {prot}"),
        (('"{port}"', "8000"), "run[2]: must be a valid string"),
        (("run = [", "run = 3 #"), "run: must be a valid array"),
        (('"{models}"', '"{nowhere}"'), "env.SEEN: unknown field {nowhere}"),
        (("[env]", "[other]"), "other is not known here"),
        (('SEEN = "{models}"', "SEEN = 1"), "env.SEEN: must be a valid string"),
        (('"raw"', '"cooked"'), "request.kind: must be 'v2-binary', 'v2-json', 'raw' or 'multipart'"),
        (("kind =", "king ="), "request.kind is missing; request.king is not known here"),
        (("title", "title title"), "is not valid TOML"),
        (('SEEN = "{models}"', '"S=N" = "{models}"'), "env: 'S=N' cannot name a variable"),
        (('"{models}"', r'"a\u0000"'), "env.SEEN: must not hold a NUL"),
        (('"{port}"', r'"a\u0000"'), "run[2]: must not hold a NUL"),
        (('"/ready/{model}"', '"/ready {model}"'), "ready: must be a path"),
        (('"/classify/{model}"', r'"/classify\r\n"'), "request.path: must be a path"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, change: tuple[str, str], place: str):
    with pytest.raises(UsageProblem) as problem:
        toy(tmp_path / "mine", TOML.replace(*change))
    assert str(tmp_path / "mine" / "peer.toml") in str(problem.value)
    assert place in str(problem.value)


@pytest.mark.parametrize("key", ["env", "request"])
def test_a_table_that_is_none_is_said(tmp_path: Path, key: str):
    text = TOML[: TOML.index("[env]")]
    tables = {"env": "env = 3\n[request]\nkind = 'raw'\npath = '/'", "request": "request = 3"}
    with pytest.raises(UsageProblem, match=rf"{key}:? must be an? (table|object)"):
        toy(tmp_path / "mine", text + tables[key])


def test_only_ours_and_fastapi_run_in_our_own_environment():
    without = [each.name for each in peer.find() if not (each.folder / "requirements.txt").exists()]
    assert without == list(OURS)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OURS])
def test_every_peer_runs_the_same_vision_and_the_release_that_it_says(name: str):
    (found,) = peer.find([name])
    locked, ours = pins(found.folder / "requirements.txt"), pins(ROOT / "requirements" / "cpu.txt")
    shared = pins(peer.HERE / "vision.in")
    assert "onnxruntime" in shared
    for package, releases in shared.items():
        assert locked[package] == releases
        assert releases <= ours[package]
    assert locked[name] == {found.release}


def test_fastapi_is_the_release_that_it_says():
    (found,) = peer.find(["fastapi"])
    assert pins(ROOT / "requirements" / "cpu.txt")["fastapi"] == {found.release}


def test_everything_that_vision_imports_is_listed():
    """`vision` is the only thing that peers take from us, so its list must be whole."""
    listed = {name.replace("-", "_") for name in pins(peer.HERE / "vision.in")} | {"PIL"}
    imported = {
        name
        for path in (ROOT / "vision").glob("*.py")
        for name in re.findall(r"^\s*(?:import|from) ([A-Za-z0-9_]+)", path.read_text(), re.MULTILINE)
    }
    dependencies = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"])
    building = {"onnx", "skimage"}  # only `vision build` and `image-path` need them, and no peer runs those
    assert imported - dependencies - building - set(sys.stdlib_module_names) <= listed
